#include "layerwise/data/dataset.h"

#include <stdexcept>

#include <fmt/format.h>

namespace layerwise {

Dataset Dataset::to(torch::Device device) const {
  if (!inputs.defined()) return *this;
  return {inputs.to(device), targets.defined() ? targets.to(device) : targets};
}

Split Split::to(torch::Device device) const {
  return {train.to(device), test.to(device), validation.to(device)};
}

std::vector<std::pair<std::string, Dataset>> Split::parts() const {
  std::vector<std::pair<std::string, Dataset>> defined{{"train", train}};
  if (validation.inputs.defined()) defined.emplace_back("validation", validation);
  if (test.inputs.defined()) defined.emplace_back("test", test);
  return defined;
}

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
  const auto of_itself = [](const Dataset& part) { return Dataset{part.inputs, part.inputs}; };
  return {of_itself(data.train), of_itself(data.test), of_itself(data.validation)};
}

torch::Tensor values_of(const torch::Tensor& tensor) {
  return tensor.scalar_type() == torch::kUInt8 ? tensor.to(torch::kFloat32).div_(255) : tensor;
}

}  // namespace layerwise
