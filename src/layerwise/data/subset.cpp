#include "layerwise/data/subset.h"

#include <algorithm>
#include <stdexcept>

#include <fmt/format.h>
#include <torch/utils.h>

namespace layerwise {

namespace {

std::vector<int64_t> values_in(const torch::Tensor& labels) {
  const auto flat = labels.to(torch::kCPU, torch::kInt64).contiguous();
  return {flat.data_ptr<int64_t>(), flat.data_ptr<int64_t>() + flat.numel()};
}

}  // namespace

void require_every_class(const torch::Tensor& labels, int64_t classes) {
  std::vector<int64_t> counts(static_cast<size_t>(classes), 0);
  for (const int64_t label : values_in(labels)) {
    if (label < 0 || label >= classes)
      throw std::invalid_argument(fmt::format("label {} of {} classes", label, classes));
    ++counts[static_cast<size_t>(label)];
  }
  const auto none = std::find(counts.begin(), counts.end(), 0);
  if (none != counts.end()) {
    throw std::invalid_argument(
        fmt::format("class {} has no label among {} rows", none - counts.begin(), labels.size(0)));
  }
}

StratifiedSubsets::StratifiedSubsets(const torch::Tensor& labels, RandomState& subsets)
    : labels_(values_in(labels)), walk_(subsets.permutation(labels.size(0))) {
  for (const int64_t label : labels_) classes_ = std::max(classes_, label + 1);
  require_every_class(labels, classes_);
}

std::vector<int64_t> StratifiedSubsets::rows(int64_t count) const {
  const auto all = static_cast<int64_t>(walk_.size());
  if (count > all)
    throw std::invalid_argument(fmt::format("{} labels asked for, there are {}", count, all));
  if (count < classes_) {
    throw std::invalid_argument(
        fmt::format("{} labels leave a class of {} without one", count, classes_));
  }
  std::vector<int64_t> left(static_cast<size_t>(classes_), count / classes_);
  for (int64_t c = 0; c < count % classes_; ++c) ++left[static_cast<size_t>(c)];
  std::vector<bool> taken(walk_.size(), false);
  auto missing = count;
  for (size_t i = 0; i < walk_.size(); ++i) {
    auto& share = left[static_cast<size_t>(labels_[static_cast<size_t>(walk_[i])])];
    if (share == 0) continue;
    --share;
    --missing;
    taken[i] = true;
  }
  std::vector<int64_t> chosen;
  for (size_t i = 0; i < walk_.size(); ++i) {
    if (!taken[i] && missing > 0) {
      taken[i] = true;
      --missing;
    }
    if (taken[i]) chosen.push_back(walk_[i]);
  }
  return chosen;
}

}  // namespace layerwise
