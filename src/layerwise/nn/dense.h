#pragma once

#include <cstdint>

#include <torch/nn/cloneable.h>
#include <torch/nn/pimpl.h>

#include "layerwise/nn/chain.h"
#include "layerwise/random.h"

namespace layerwise {

enum class Activation { linear, relu };

struct DenseOptions {
  int64_t in_features = 0;
  int64_t out_features = 0;
  Activation activation = Activation::relu;
};

/// A fully connected layer with its activation: the block of the tutorial, and its output layer.
///
/// Weights and biases are zero until an initialiser fills them (see `dense` and `output`).
class DenseImpl : public torch::nn::Cloneable<DenseImpl> {
 public:
  /// @throws std::invalid_argument if a width is not positive
  explicit DenseImpl(const DenseOptions& options);

  void reset() override;
  void pretty_print(std::ostream& stream) const override;

  /// @param x [batch, in_features]
  /// @returns [batch, out_features]
  torch::Tensor forward(const torch::Tensor& x);

  DenseOptions options;
  torch::Tensor weight;  ///< [out_features, in_features]
  torch::Tensor bias;    ///< [out_features]
};
TORCH_MODULE(Dense);

/// A hidden layer: ReLU, `he_uniform` weights, zero biases.
Block dense(int64_t in_features, int64_t out_features, RandomState& initialisation);

/// An output layer: linear, `glorot_uniform` weights, zero biases. A softmax belongs to the loss.
Block output(int64_t in_features, int64_t out_features, RandomState& initialisation);

}  // namespace layerwise
