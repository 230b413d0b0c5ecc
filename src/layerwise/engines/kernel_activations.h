#pragma once

#include <stdexcept>

#include "layerwise/nn/activation_kind.h"

namespace layerwise {

template <Activation... A>
struct Activations {};

/// The activations that the kernels of the tiny and the dense engine support. An activation that is
/// not in this list is left to autograd; adding one without a kernel does not compile.
using KernelActivations =
    Activations<Activation::linear, Activation::relu, Activation::leaky_relu, Activation::elu,
                Activation::selu, Activation::tanh, Activation::sigmoid>;

template <Activation... A>
constexpr bool contains(Activations<A...>, Activation activation) {
  return ((activation == A) || ...);
}

constexpr bool has_kernel(Activation activation) {
  return contains(KernelActivations(), activation);
}

/// @throws std::logic_error always: an engine accepted an activation that it has no kernel for
[[noreturn]] inline void refuse_activation() {
  throw std::logic_error("an engine was given an activation that it has no kernel for");
}

}  // namespace layerwise
