#pragma once

#include <functional>
#include <string>
#include <vector>

#include <torch/nn/modules/container/sequential.h>

#include "layerwise/data/dataset.h"
#include "layerwise/nn/chain.h"
#include "layerwise/train/engine.h"
#include "layerwise/train/problem.h"

namespace layerwise {

/// The blocks of a stage as chains that can be run.
class StageChain {
 public:
  explicit StageChain(const StageView& view);

  /// Sets the mode of the trained blocks; frozen blocks are always in evaluation mode.
  void train(bool on);
  /// The output of the frozen blocks, without gradients.
  torch::Tensor features(const torch::Tensor& inputs);
  /// The output of the trained blocks for features. Sets `output`, and `code` if the stage has one.
  Pass forward(const torch::Tensor& features);

  const torch::nn::Sequential& trained() const { return trained_; }
  /// A parameter, whose device and type the inputs need; undefined if there is none.
  const torch::Tensor& parameter() const { return parameter_; }

 private:
  /// An output as a loss takes it, in the type of the parameters, whatever autocast made of it.
  torch::Tensor in_full(const torch::Tensor& output) const;

  torch::nn::Sequential frozen_;
  torch::nn::Sequential trained_;
  torch::nn::Sequential to_code_;
  torch::nn::Sequential from_code_;
  bool has_frozen_;
  bool has_code_;
  torch::Tensor parameter_;
};

/// The output of a chain for inputs [rows, ...]: in evaluation mode, without gradients, in chunks
/// of a fixed size, so that the bits of a row do not depend on the caller.
torch::Tensor forward_in_chunks(torch::nn::Sequential chain, const torch::Tensor& inputs);
/// The same, with a place for the output.
/// @param inputs may be on another device, or in another floating-point type, than the chain
/// @param make_room creates it: called with the output of the first chunk, and the shape of all;
///   returns an undefined tensor to end this
/// @returns what `make_room` returned
torch::Tensor forward_in_chunks(
    torch::nn::Sequential chain, const torch::Tensor& inputs,
    const std::function<torch::Tensor(const torch::Tensor& first, torch::IntArrayRef shape)>&
        make_room);

/// The metrics of a stage on a data set, in evaluation mode.
std::vector<Score> evaluate(StageChain& chain, const Dataset& data, Target target,
                            const std::vector<Metric>& metrics, const std::string& split);

/// The values of scalars, fetched from the device of the first at once.
std::vector<double> fetched(const std::vector<torch::Tensor>& scalars);

/// The value of a score.
/// @throws std::out_of_range if there is no score with these names
double value_of(const std::vector<Score>& scores, const std::string& split,
                const std::string& metric);

}  // namespace layerwise
