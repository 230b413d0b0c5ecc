#pragma once

#include <cstdint>

#include <torch/types.h>

#include "layerwise/nn/chain.h"

namespace layerwise {

/// The leading principal components as a linear block, which projects centered inputs on the
/// directions of largest variance, the largest first.
///
/// The sign of a component makes its coordinate with the largest absolute value positive.
/// @param inputs [rows, features], as `values_of` takes them
/// @param count number of components, at most the number of features
/// @throws std::invalid_argument if `inputs` is not two-dimensional or has no row, or `count` is
///   not within 1..features
/// @see Hotelling, "Analysis of a complex of statistical variables into principal components", 1933
Block principal_components(const torch::Tensor& inputs, int64_t count);

}  // namespace layerwise
