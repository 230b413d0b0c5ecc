#pragma once

#include <cstdint>
#include <vector>

#include "layerwise/nn/activation.h"
#include "layerwise/nn/greedy_net.h"
#include "layerwise/nn/initialisers.h"
#include "layerwise/random.h"

namespace layerwise {

/// A classifier of dense layers: an encoder as that of a `DenseAutoencoder`, and a linear head.
struct DenseClassifierOptions {
  std::vector<int64_t> units = {784, 300, 150};  ///< the input's, then each hidden layer's
  int64_t classes = 10;
  Activation activation = Activation::elu;
  Initialiser initialiser = variance_scaling_;  ///< of all weights, drawn from the input on

  /// @throws std::invalid_argument if a width is not positive
  GreedyNet make(RandomState& initialisation) const;
  /// The head alone, on so many inputs.
  Block head(int64_t inputs, RandomState& initialisation) const;
};

}  // namespace layerwise
