#pragma once

#include <functional>
#include <string>
#include <vector>

#include <torch/types.h>

namespace layerwise {

/// What came out of a chain for some rows.
struct Pass {
  torch::Tensor output;  ///< [rows, ...]
  torch::Tensor target;  ///< [rows] labels or [rows, ...] values
  torch::Tensor code;    ///< [rows, ...], of the block that the stage calls its code; or undefined
  torch::Tensor hit;     ///< bool: which entries of the input were corrupted; undefined if none
};

/// What a metric computes, for engines that do so without its function.
enum class Formula {
  other,  ///< what its function says
  cross_entropy,
  accuracy,
  squared_error,
  binary_cross_entropy,
  rounded_accuracy,
};

/// A number about a pass.
struct Metric {
  std::string name;
  std::function<torch::Tensor(const Pass&)> mean;  ///< the mean over the rows, a scalar tensor
  Formula formula = Formula::other;
};

/// A part of what is minimised: `weight` times a metric.
struct Term {
  Metric metric;
  double weight = 1;
};

/// What a stage minimises, and what is reported of it.
struct Objective {
  std::vector<Term> terms;  ///< their sum is minimised; the first is what `fit` reports as the loss
  std::vector<Metric> metrics;
  /// The loss of each entry [rows, ...], where the loss is their mean: what `emphasised` weights.
  std::function<torch::Tensor(const Pass&)> entries = {};

  const Metric& loss() const { return terms.front().metric; }
};

/// Softmax cross-entropy of logits [rows, classes] with int64 labels [rows]; reports `accuracy` and
/// `cross_entropy`.
///
/// The accuracy of outputs that are not all finite is NaN: their largest entry means nothing.
Objective classification();

/// Mean squared error over all elements; reports `mse`.
Objective reconstruction();

/// Binary cross-entropy of outputs in [0, 1] with targets in [0, 1], the mean over all elements;
/// reports `mse`, `bce` and `rounded_accuracy`, the share of entries that round to what their
/// target rounds to.
Objective binary_reconstruction();

/// How much more the corrupted entries of an input count than the others.
/// @see Vincent et al., "Stacked Denoising Autoencoders", 2010, section 3.4
struct Emphasis {
  double corrupted = 1;
  double others = 1;
};
/// An objective with each entry's loss multiplied by its emphasis; its metrics stay as they were.
/// @throws std::invalid_argument if the objective does not know the loss of its entries
Objective emphasised(Objective objective, const Emphasis& emphasis);

/// Wants each unit of the code to be on for a share `target` of a batch: adds `weight` times the
/// sum over the units of KL(target, mean of the unit over the batch), the metric `sparsity`. The
/// code must lie in (0, 1).
/// @see Ng, "Sparse autoencoder" (CS294A lecture notes), 2011
struct Sparsity {
  double target = 0.1;
  double weight = 0.2;
};
Objective sparse(Objective objective, const Sparsity& sparsity);

}  // namespace layerwise
