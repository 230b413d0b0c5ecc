#pragma once

namespace layerwise {

/// What a dense layer does to its sums. `elu` has alpha 1, `leaky_relu` a slope of 0.01.
enum class Activation { linear, relu, leaky_relu, elu, selu, tanh, sigmoid };

}  // namespace layerwise
