#include "layerwise/data/blobs.h"

#include <cmath>
#include <numeric>
#include <stdexcept>

#include <fmt/format.h>

#include "layerwise/random.h"

namespace layerwise {

namespace {

void require(bool condition, const std::string& message) {
  if (!condition) throw std::invalid_argument("make_blobs: " + message);
}

torch::Tensor draw_centers(const BlobsOptions& options, int64_t count, RandomState& random) {
  const auto [low, high] = options.center_box;
  require(std::isfinite(low) && std::isfinite(high),
          fmt::format("center_box is ({}, {})", low, high));
  require(options.features > 0, fmt::format("features is {}", options.features));
  auto centers = torch::empty({count, options.features}, torch::kFloat64);
  auto* value = centers.data_ptr<double>();
  for (int64_t i = 0; i < centers.numel(); ++i) value[i] = random.uniform(low, high);
  return centers;
}

torch::Tensor checked_centers(const torch::Tensor& centers) {
  require(centers.defined() && centers.dim() == 2 && centers.numel() > 0,
          "centers is not a [centers, features] tensor");
  return centers.to(torch::kFloat64).contiguous();
}

std::vector<int64_t> equal_shares(int64_t samples, int64_t centers) {
  require(samples > 0, fmt::format("samples is {}", samples));
  std::vector<int64_t> counts(static_cast<size_t>(centers), samples / centers);
  for (int64_t i = 0; i < samples % centers; ++i) ++counts[static_cast<size_t>(i)];
  return counts;
}

torch::Tensor chosen_centers(const BlobsOptions& options, RandomState& random) {
  if (const auto* given = std::get_if<torch::Tensor>(&options.centers))
    return checked_centers(*given);
  int64_t count = std::get<int64_t>(options.centers);
  require(count >= 0, fmt::format("centers is {}", count));
  if (count == 0) {
    const auto* counts = std::get_if<std::vector<int64_t>>(&options.samples);
    count = counts != nullptr ? static_cast<int64_t>(counts->size()) : 3;
    require(count > 0, "samples is an empty list");
  }
  return draw_centers(options, count, random);
}

std::vector<int64_t> counts_by_center(const BlobsOptions& options, int64_t centers) {
  if (const auto* total = std::get_if<int64_t>(&options.samples))
    return equal_shares(*total, centers);
  const auto& counts = std::get<std::vector<int64_t>>(options.samples);
  require(static_cast<int64_t>(counts.size()) == centers,
          fmt::format("samples lists {} counts for {} centers", counts.size(), centers));
  for (const int64_t count : counts) require(count >= 0, fmt::format("samples lists {}", count));
  require(std::accumulate(counts.begin(), counts.end(), int64_t{0}) > 0,
          "samples are 0 altogether");
  return counts;
}

std::vector<double> deviations_by_center(const BlobsOptions& options, int64_t centers) {
  const auto& given = options.cluster_std;
  require(given.size() == 1 || static_cast<int64_t>(given.size()) == centers,
          fmt::format("cluster_std lists {} values for {} centers", given.size(), centers));
  for (const double value : given) {
    require(value >= 0 && std::isfinite(value), fmt::format("cluster_std is {}", value));
  }
  return given.size() == 1 ? std::vector<double>(static_cast<size_t>(centers), given[0]) : given;
}

}  // namespace

LabelledPoints make_blobs(const BlobsOptions& options) {
  RandomState random(options.random_state);
  const auto centers = chosen_centers(options, random);
  const int64_t features = centers.size(1);
  const auto counts = counts_by_center(options, centers.size(0));
  const auto deviations = deviations_by_center(options, centers.size(0));
  const int64_t samples = std::accumulate(counts.begin(), counts.end(), int64_t{0});

  auto points = torch::empty({samples, features}, torch::kFloat64);
  auto labels = torch::empty({samples}, torch::kInt64);
  auto* point = points.data_ptr<double>();
  auto* label = labels.data_ptr<int64_t>();
  const auto* center = centers.data_ptr<double>();
  for (size_t c = 0; c < counts.size(); ++c, center += features) {
    for (int64_t i = 0; i < counts[c]; ++i) {
      for (int64_t f = 0; f < features; ++f) *point++ = random.normal(center[f], deviations[c]);
      *label++ = static_cast<int64_t>(c);
    }
  }
  if (options.shuffle) {
    const auto order = torch::tensor(random.permutation(samples));
    points = points.index_select(0, order);
    labels = labels.index_select(0, order);
  }
  return {points, labels, centers};
}

Dataset to_dataset(const LabelledPoints& blobs) {
  return {blobs.points.to(torch::kFloat32), blobs.labels};
}

}  // namespace layerwise
