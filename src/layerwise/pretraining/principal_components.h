#pragma once

#include <cstdint>

#include <torch/types.h>

#include "layerwise/nn/chain.h"

namespace layerwise {

/// The leading principal components as a linear block: centred inputs projected on the directions
/// of largest variance, the largest first.
///
/// A component's sign is such that its largest coordinate is positive.
/// @param inputs [rows, features], as `values_of` takes them
/// @param count of components, at most as many as there are features
/// @throws std::invalid_argument if there is no row, or not so many features
/// @see Hotelling, "Analysis of a complex of statistical variables into principal components", 1933
Block principal_components(const torch::Tensor& inputs, int64_t count);

}  // namespace layerwise
