#pragma once

#include <functional>
#include <string>
#include <vector>

#include <torch/types.h>

namespace layerwise {

/// The output of a chain for some rows, with what the loss and the metrics need.
struct Pass {
  torch::Tensor output;  ///< [rows, ...]
  torch::Tensor target;  ///< [rows] labels or [rows, ...] values
  torch::Tensor code;  ///< [rows, ...], output of the stage's code block; undefined if it has none
  torch::Tensor hit;   ///< bool: which entries of the input were corrupted; undefined if none
};

/// The formula of a metric, for engines that compute it without its function.
enum class Formula {
  other,  ///< known only to its function
  cross_entropy,
  accuracy,
  squared_error,
  binary_cross_entropy,
  rounded_accuracy,
};

/// A scalar computed from a pass.
struct Metric {
  std::string name;
  std::function<torch::Tensor(const Pass&)> mean;  ///< the mean over the rows, a scalar tensor
  Formula formula = Formula::other;
};

/// A term of the objective: `weight` times a metric.
struct Term {
  Metric metric;
  double weight = 1;
};

/// What a stage minimizes, and which metrics it reports.
struct Objective {
  std::vector<Term> terms;  ///< their sum is minimized; `fit` reports the first as the loss
  std::vector<Metric> metrics;
  /// The loss of each entry [rows, ...], if the loss is their mean; `emphasized` weights them.
  std::function<torch::Tensor(const Pass&)> entries = {};

  const Metric& loss() const { return terms.front().metric; }
};

/// Softmax cross-entropy of logits [rows, classes] with int64 labels [rows]; reports `accuracy` and
/// `cross_entropy`.
///
/// If an output is not finite, the accuracy is NaN, because the largest output is then meaningless.
Objective classification();

/// Mean squared error over all elements; reports `mse`.
Objective reconstruction();

/// Binary cross-entropy of outputs in [0, 1] with targets in [0, 1], the mean over all elements;
/// reports `mse`, `bce` and `rounded_accuracy`, the share of entries that round to the same value
/// as their target.
Objective binary_reconstruction();

/// The weights of corrupted entries and of the other entries of an input in the loss.
/// @see Vincent et al., "Stacked Denoising Autoencoders", 2010, section 3.4
struct Emphasis {
  double corrupted = 1;
  double others = 1;
};
/// An objective in which each entry's loss is multiplied by its weight; the metrics do not change.
/// @throws std::invalid_argument if the objective does not define the loss of its entries
Objective emphasized(Objective objective, const Emphasis& emphasis);

/// A sparsity penalty: each unit of the code should be active for a share `target` of a batch. Adds
/// `weight` times the sum over the units of KL(target, mean of the unit over the batch); this sum
/// is the metric `sparsity`. The code must lie in (0, 1).
/// @see Ng, "Sparse autoencoder" (CS294A lecture notes), 2011
struct Sparsity {
  double target = 0.1;
  double weight = 0.2;
};
Objective sparse(Objective objective, const Sparsity& sparsity);

}  // namespace layerwise
