#include "layerwise/nn/dense_classifier.h"

#include <stdexcept>

#include "layerwise/nn/dense.h"

namespace layerwise {

GreedyNet DenseClassifierOptions::make(RandomState& initialization) const {
  if (units.empty()) throw std::invalid_argument("a classifier needs the input's units");
  std::vector<Block> hidden;
  for (size_t i = 1; i < units.size(); ++i)
    hidden.emplace_back(
        make_dense({units[i - 1], units[i], activation}, initializer, initialization));
  return GreedyNet(hidden, head(units.back(), initialization));
}

Block DenseClassifierOptions::head(int64_t inputs, RandomState& initialization) const {
  return Block(make_dense({inputs, classes, Activation::linear}, initializer, initialization));
}

}  // namespace layerwise
