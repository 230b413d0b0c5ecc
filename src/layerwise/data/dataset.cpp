#include "layerwise/data/dataset.h"

#include <stdexcept>

#include <fmt/format.h>

namespace layerwise {

Split split(const Dataset& dataset, int64_t train_rows) {
  const int64_t rows = dataset.size();
  if (train_rows < 1 || train_rows >= rows) {
    throw std::invalid_argument(
        fmt::format("split: {} of {} rows to train on leaves a part empty", train_rows, rows));
  }
  const auto part = [&](int64_t begin, int64_t end) {
    return Dataset{dataset.inputs.slice(0, begin, end).contiguous(),
                   dataset.targets.slice(0, begin, end).contiguous()};
  };
  return {part(0, train_rows), part(train_rows, rows)};
}

Split autoencoding(const Split& data) {
  return {{data.train.inputs, data.train.inputs}, {data.test.inputs, data.test.inputs}};
}

}  // namespace layerwise
