#pragma once

#include <functional>
#include <string>
#include <vector>

#include <torch/types.h>

namespace layerwise {

/// A number about outputs and targets.
struct Metric {
  std::string name;
  /// (output [rows, ...], target [rows, ...]) -> the mean over the rows, a scalar tensor
  std::function<torch::Tensor(const torch::Tensor&, const torch::Tensor&)> mean;
};

/// What a stage minimises, and what is reported of it.
struct Objective {
  Metric loss;
  std::vector<Metric> metrics;
};

/// Softmax cross-entropy of logits [rows, classes] with int64 labels [rows]; reports `accuracy` and
/// `cross_entropy`.
///
/// The accuracy of outputs that are not all finite is NaN: their largest entry means nothing.
Objective classification();

/// Mean squared error over all elements; reports `mse`.
Objective reconstruction();

}  // namespace layerwise
