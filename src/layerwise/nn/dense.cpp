#include "layerwise/nn/dense.h"

#include <ostream>
#include <stdexcept>
#include <utility>

#include <fmt/format.h>
#include <torch/nn/functional/linear.h>
#include <torch/utils.h>

namespace layerwise {

DenseImpl::DenseImpl(const DenseOptions& options_) : options(options_) {
  if (options.in_features < 1 || options.out_features < 1) {
    throw std::invalid_argument(
        fmt::format("Dense: {} -> {} features", options.in_features, options.out_features));
  }
  reset();
}

void DenseImpl::reset() {
  weight = register_parameter("weight", torch::zeros({options.out_features, options.in_features}));
  bias = register_parameter("bias", torch::zeros({options.out_features}));
}

void DenseImpl::pretty_print(std::ostream& stream) const {
  stream << fmt::format("Dense({} -> {}, {})", options.in_features, options.out_features,
                        name_of(options.activation));
}

torch::Tensor DenseImpl::forward(const torch::Tensor& x) {
  return activate(torch::nn::functional::linear(x, weight, bias), options.activation);
}

TransposedDenseImpl::TransposedDenseImpl(Dense tied_to, Activation activation_)
    : activation(activation_), tied_to_(std::move(tied_to)) {
  bias = register_parameter("bias", torch::zeros({tied_to_->options.in_features}));
}

std::shared_ptr<torch::nn::Module> TransposedDenseImpl::clone(
    const torch::optional<torch::Device>& device) const {
  const Dense other(std::dynamic_pointer_cast<DenseImpl>(tied_to_->clone(device)));
  auto copy = std::make_shared<TransposedDenseImpl>(other, activation);
  copy->bias.set_data(bias.detach().clone());
  copy->bias.set_requires_grad(bias.requires_grad());
  if (device) copy->to(*device);
  return copy;
}

void TransposedDenseImpl::pretty_print(std::ostream& stream) const {
  stream << fmt::format("TransposedDense({} -> {}, {})", tied_to_->options.out_features,
                        tied_to_->options.in_features, name_of(activation));
}

torch::Tensor TransposedDenseImpl::forward(const torch::Tensor& x) {
  return activate(torch::nn::functional::linear(x, tied_to_->weight.t(), bias), activation);
}

Dense make_dense(const DenseOptions& options, Initializer initializer,
                 RandomState& initialization) {
  Dense layer(options);
  initializer(layer->weight, initialization);
  return layer;
}

Block dense(int64_t in_features, int64_t out_features, RandomState& initialization) {
  return Block(
      make_dense({in_features, out_features, Activation::relu}, he_uniform_, initialization));
}

Block output(int64_t in_features, int64_t out_features, RandomState& initialization) {
  return Block(
      make_dense({in_features, out_features, Activation::linear}, glorot_uniform_, initialization));
}

}  // namespace layerwise
