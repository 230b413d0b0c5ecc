#pragma once

#include <cstdint>
#include <memory>
#include <utility>

#include <torch/nn/cloneable.h>
#include <torch/nn/pimpl.h>

#include "layerwise/nn/activation.h"
#include "layerwise/nn/chain.h"
#include "layerwise/nn/initialisers.h"
#include "layerwise/random.h"

namespace layerwise {

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

/// A fully connected layer whose weight is another one's, transposed: the decoder of tied weights.
///
/// The weight stays the other layer's: it is no parameter of this one, is trained with that one and
/// follows it from device to device. Only the bias is this layer's own.
class TransposedDenseImpl : public torch::nn::Module {
 public:
  TransposedDenseImpl(Dense tied_to, Activation activation);

  /// A layer that is tied to a clone of the other one.
  std::shared_ptr<torch::nn::Module> clone(
      const torch::optional<torch::Device>& device = {}) const override;
  const Dense& tied_to() const { return tied_to_; }
  /// Takes the weight of another layer of the same shape.
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

/// A layer with weights drawn by an initialiser, and zero biases.
Dense make_dense(const DenseOptions& options, Initialiser initialiser, RandomState& initialisation);

/// A hidden layer: ReLU, `he_uniform` weights, zero biases.
Block dense(int64_t in_features, int64_t out_features, RandomState& initialisation);

/// An output layer: linear, `glorot_uniform` weights, zero biases. A softmax belongs to the loss.
Block output(int64_t in_features, int64_t out_features, RandomState& initialisation);

}  // namespace layerwise
