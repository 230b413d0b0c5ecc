#include "layerwise/nn/activation.h"

#include <array>
#include <stdexcept>
#include <utility>

#include <torch/utils.h>

#include "layerwise/names.h"

namespace layerwise {

namespace {

constexpr auto activations =
    std::to_array<std::pair<Activation, const char*>>({{Activation::linear, "linear"},
                                                       {Activation::relu, "relu"},
                                                       {Activation::leaky_relu, "leaky-relu"},
                                                       {Activation::elu, "elu"},
                                                       {Activation::selu, "selu"},
                                                       {Activation::tanh, "tanh"},
                                                       {Activation::sigmoid, "sigmoid"}});

}  // namespace

torch::Tensor activate(const torch::Tensor& sums, Activation activation) {
  switch (activation) {
    case Activation::linear:
      return sums;
    case Activation::relu:
      return torch::relu(sums);
    case Activation::leaky_relu:
      return torch::leaky_relu(sums, leaky_relu_slope);
    case Activation::elu:
      return torch::elu(sums);
    case Activation::selu:
      return torch::selu(sums);
    case Activation::tanh:
      return torch::tanh(sums);
    case Activation::sigmoid:
      return torch::sigmoid(sums);
  }
  throw std::invalid_argument("activate: no such activation");
}

const char* name_of(Activation activation) {
  return names::of(activations, activation);
}

Activation activation_named(const std::string& wanted) {
  return names::value(activations, "activation", wanted);
}

std::vector<std::string> activation_names() {
  return names::all(activations);
}

}  // namespace layerwise
