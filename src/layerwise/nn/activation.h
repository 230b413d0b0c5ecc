#pragma once

#include <string>
#include <vector>

#include <torch/types.h>

namespace layerwise {

/// What a dense layer does to its sums. `elu` has alpha 1, `leaky_relu` a slope of 0.01.
enum class Activation { linear, relu, leaky_relu, elu, selu, tanh, sigmoid };

torch::Tensor activate(const torch::Tensor& sums, Activation activation);

/// As options and checkpoints call it: `leaky-relu`.
const char* name_of(Activation activation);
/// @throws std::invalid_argument listing the names, if it is none of them
Activation activation_named(const std::string& name);
std::vector<std::string> activation_names();

}  // namespace layerwise
