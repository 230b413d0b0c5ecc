#pragma once

#include <string>
#include <vector>

#include <torch/types.h>

#include "layerwise/nn/activation_kind.h"

namespace layerwise {

torch::Tensor activate(const torch::Tensor& sums, Activation activation);

/// The name in options and checkpoints, e.g. `leaky-relu`.
const char* name_of(Activation activation);
/// @throws std::invalid_argument listing the names, if `name` is none of them
Activation activation_named(const std::string& name);
std::vector<std::string> activation_names();

}  // namespace layerwise
