#include "layerwise/data/dataset.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <map>
#include <stdexcept>
#include <vector>

#include <fmt/format.h>
#include <torch/utils.h>

#include "layerwise/data/mapped_tensor.h"
#include "layerwise/upload.h"

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

Dataset rows_of(const Dataset& dataset, std::span<const int64_t> rows, torch::Device device) {
  const auto numbers =
      torch::tensor(c10::ArrayRef<int64_t>(rows.data(), rows.size()), torch::kInt64);
  const auto index = upload(numbers, dataset.inputs.device());
  const auto& targets = dataset.targets;
  const auto inputs = upload_rows(dataset.inputs, index, device);
  release_pages(dataset.inputs);
  if (!targets.defined()) return {inputs, targets};
  const bool together = targets.device() == index.device();
  return {inputs,
          upload_rows(targets, together ? index : upload(numbers, targets.device()), device)};
}

Dataset rows_of(const Dataset& dataset, std::span<const int64_t> rows) {
  return rows_of(dataset, rows, dataset.inputs.device());
}

Split split(const Dataset& dataset, int64_t train_rows) {
  const int64_t rows = dataset.size();
  if (train_rows < 1 || train_rows >= rows) {
    throw std::invalid_argument(
        fmt::format("split: {} of {} rows to train on leaves a part empty", train_rows, rows));
  }
  const auto part = [&](int64_t begin, int64_t end) {
    return Dataset{dataset.inputs.slice(0, begin, end).contiguous(),
                   dataset.targets.defined() ? dataset.targets.slice(0, begin, end).contiguous()
                                             : dataset.targets};
  };
  return {part(0, train_rows), part(train_rows, rows)};
}

Split split(const Dataset& dataset, const Shares& shares, bool stratified, RandomState& order) {
  const int64_t rows = dataset.size();
  for (const double share : {shares.validation, shares.test}) {
    if (!(share >= 0 && share < 1))
      throw std::invalid_argument(fmt::format("split: a share of {}", share));
  }
  if (stratified && (!dataset.targets.defined() || dataset.targets.dim() != 1 ||
                     dataset.targets.scalar_type() != torch::kInt64 ||
                     dataset.targets.size(0) != rows || !dataset.targets.is_cpu()))
    throw std::invalid_argument(
        "split: a stratified one needs a class label (int64, on the CPU) for every row");

  const auto walk = order.permutation(rows);
  std::map<int64_t, std::vector<int64_t>> classes;
  const auto labels =
      stratified ? dataset.targets.contiguous() : torch::zeros({rows}, torch::kInt64);
  for (const int64_t row : walk) classes[labels.data_ptr<int64_t>()[row]].push_back(row);
  enum Part : size_t { train, validation, test, parts };
  std::vector<Part> part_of(static_cast<size_t>(rows), train);
  for (const auto& [_, members] : classes) {
    const auto count = [&](double share) {
      return static_cast<size_t>(std::llround(share * static_cast<double>(members.size())));
    };
    const auto tested = count(shares.test);
    const auto held_out = std::min(members.size(), tested + count(shares.validation));
    for (size_t i = 0; i < held_out; ++i)
      part_of[static_cast<size_t>(members[i])] = i < tested ? test : validation;
  }
  std::array<std::vector<int64_t>, parts> chosen;
  for (const int64_t row : walk) chosen[part_of[static_cast<size_t>(row)]].push_back(row);
  if (chosen[train].empty() || (shares.test > 0 && chosen[test].empty()) ||
      (shares.validation > 0 && chosen[validation].empty())) {
    throw std::invalid_argument(
        fmt::format("split: {} rows leave a part empty: {} to train on, {} to validate, {} to test",
                    rows, chosen[train].size(), chosen[validation].size(), chosen[test].size()));
  }
  const auto taken = [&](Part part) {
    return chosen[part].empty() ? Dataset{} : rows_of(dataset, chosen[part]);
  };
  return {taken(train), taken(test), taken(validation)};
}

Split autoencoding(const Split& data) {
  const auto of_itself = [](const Dataset& part) { return Dataset{part.inputs, part.inputs}; };
  return {of_itself(data.train), of_itself(data.test), of_itself(data.validation)};
}

torch::Tensor values_of(const torch::Tensor& tensor) {
  return tensor.scalar_type() == torch::kUInt8 ? tensor.to(torch::kFloat32).div_(255) : tensor;
}

torch::Tensor values_for(const torch::Tensor& like, const torch::Tensor& tensor) {
  if (!like.defined()) return values_of(tensor);
  const auto moved = values_of(upload(tensor, like.device()));
  return moved.is_floating_point() ? moved.to(like.scalar_type()) : moved;
}

}  // namespace layerwise
