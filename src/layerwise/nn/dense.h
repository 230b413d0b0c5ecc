#pragma once

#include <cstdint>
#include <memory>
#include <utility>

#include <torch/nn/cloneable.h>
#include <torch/nn/pimpl.h>

#include "layerwise/nn/activation.h"
#include "layerwise/nn/chain.h"
#include "layerwise/nn/initializers.h"
#include "layerwise/random.h"

namespace layerwise {

struct DenseOptions {
  int64_t in_features = 0;
  int64_t out_features = 0;
  Activation activation = Activation::relu;
};

/// A fully connected layer with its activation: the tutorial's hidden block, and its output layer.
///
/// Weights and biases are zero until an initializer fills them (see `dense` and `output`).
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

/// A fully connected layer whose weight is that of another layer, transposed: the decoder of tied
/// weights.
///
/// The weight belongs to the other layer. It is not a parameter of this layer; it is trained with
/// the other layer and moves with it from device to device. Only the bias is a parameter of this
/// layer.
class TransposedDenseImpl : public torch::nn::Module {
 public:
  TransposedDenseImpl(Dense tied_to, Activation activation);

  /// A copy that is tied to a clone of the other layer.
  std::shared_ptr<torch::nn::Module> clone(
      const torch::optional<torch::Device>& device = {}) const override;
  const Dense& tied_to() const { return tied_to_; }
  /// Ties this layer to another layer of the same shape.
  void tie_to(Dense other) { tied_to_ = std::move(other); }

  void pretty_print(std::ostream& stream) const override;

  /// @param x [batch, out_features of the other layer]
  /// @returns [batch, in_features of the other layer]
  torch::Tensor forward(const torch::Tensor& x);

  Activation activation;
  torch::Tensor bias;  ///< [in_features of the other layer]

 private:
  Dense tied_to_;
};
TORCH_MODULE(TransposedDense);

/// A layer with weights drawn by an initializer, and zero biases.
Dense make_dense(const DenseOptions& options, Initializer initializer, RandomState& initialization);

/// A hidden layer: ReLU, `he_uniform` weights, zero biases.
Block dense(int64_t in_features, int64_t out_features, RandomState& initialization);

/// An output layer: linear, `glorot_uniform` weights, zero biases. The softmax is part of the loss.
Block output(int64_t in_features, int64_t out_features, RandomState& initialization);

}  // namespace layerwise
