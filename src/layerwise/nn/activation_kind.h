#pragma once

namespace layerwise {

/// The activation function of a dense layer. `elu` has alpha 1; `leaky_relu` has the slope below.
enum class Activation { linear, relu, leaky_relu, elu, selu, tanh, sigmoid };

constexpr double leaky_relu_slope = 0.01;
/// @see Klambauer et al., "Self-Normalizing Neural Networks", 2017, section 2
constexpr double selu_alpha = 1.6732632423543772848170429916717;
constexpr double selu_scale = 1.0507009873554804934193349852946;

}  // namespace layerwise
