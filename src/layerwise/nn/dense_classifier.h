#pragma once

#include <cstdint>
#include <vector>

#include "layerwise/nn/activation.h"
#include "layerwise/nn/greedy_net.h"
#include "layerwise/nn/initializers.h"
#include "layerwise/random.h"

namespace layerwise {

/// A classifier of dense layers: an encoder like that of a `DenseAutoencoder`, and a linear head.
struct DenseClassifierOptions {
  std::vector<int64_t> units = {784, 300, 150};  ///< of the input, then of each hidden layer
  int64_t classes = 10;
  Activation activation = Activation::elu;
  /// Of all weights, which are drawn from the input to the head.
  Initializer initializer = variance_scaling_;

  /// @throws std::invalid_argument if `units` is empty or a width is not positive
  GreedyNet make(RandomState& initialization) const;
  /// Only the head, with this number of inputs.
  Block head(int64_t inputs, RandomState& initialization) const;
};

}  // namespace layerwise
