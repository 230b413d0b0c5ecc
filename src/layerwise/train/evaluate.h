#pragma once

#include <string>
#include <vector>

#include <torch/nn/modules/container/sequential.h>

#include "layerwise/data/dataset.h"
#include "layerwise/nn/chain.h"
#include "layerwise/train/engine.h"
#include "layerwise/train/problem.h"

namespace layerwise {

/// A stage's blocks as something to run.
class StageChain {
 public:
  explicit StageChain(const StageView& view);

  /// Trained blocks learn or are evaluated; frozen ones are always evaluated.
  void train(bool on);
  /// What the frozen blocks make of inputs, without gradients.
  torch::Tensor features(const torch::Tensor& inputs);
  /// What the trained blocks make of features; output and code are set.
  Pass forward(const torch::Tensor& features);

  const torch::nn::Sequential& trained() const { return trained_; }

 private:
  torch::nn::Sequential frozen_;
  torch::nn::Sequential trained_;
  torch::nn::Sequential to_code_;
  torch::nn::Sequential from_code_;
  bool has_frozen_;
  bool has_code_;
};

/// What a chain puts out for inputs [rows, ...]: in evaluation mode, without gradients, in chunks
/// of a fixed size, so that the bits of a row do not depend on who asks.
torch::Tensor forward_in_chunks(torch::nn::Sequential chain, const torch::Tensor& inputs);

/// The metrics of a stage on a data set, in evaluation mode.
std::vector<Score> evaluate(StageChain& chain, const Dataset& data, Target target,
                            const std::vector<Metric>& metrics, const std::string& split);

/// The value of a score.
/// @throws std::out_of_range if there is none of that name
double value_of(const std::vector<Score>& scores, const std::string& split,
                const std::string& metric);

}  // namespace layerwise
