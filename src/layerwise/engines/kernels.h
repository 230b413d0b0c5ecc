#pragma once

#include <stdexcept>

#include "layerwise/engines/kernel_activations.h"
#include "layerwise/train/fit.h"
#include "layerwise/train/objective.h"

/// What the kernels of the tiny and the dense engine support. A new value of an enumeration is left
/// to autograd until it is added here.
namespace layerwise {

/// The losses that the dense engine supports.
constexpr bool has_kernel(Formula loss) {
  return loss == Formula::cross_entropy || loss == Formula::squared_error ||
         loss == Formula::binary_cross_entropy;
}
/// The losses that the tiny engine supports.
constexpr bool has_tiny_kernel(Formula loss) {
  return loss == Formula::cross_entropy || loss == Formula::squared_error;
}

/// A visitor for optimizers: whether there is a kernel for this one.
struct HasKernel {
  bool operator()(const Sgd&) const { return true; }
  bool operator()(const Adam&) const { return true; }
  template <typename Other>
  bool operator()(const Other&) const {
    return false;
  }
};

/// @throws std::logic_error always: an engine accepted a loss that it has no kernel for
[[noreturn]] inline void refuse_loss() {
  throw std::logic_error("an engine was given a loss that it has no kernel for");
}

}  // namespace layerwise
