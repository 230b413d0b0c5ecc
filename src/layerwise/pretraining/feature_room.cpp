#include "layerwise/pretraining/feature_room.h"

#include <functional>
#include <numeric>

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <torch/utils.h>

#include "layerwise/data/mapped_tensor.h"
#include "layerwise/device.h"

namespace layerwise {

namespace {

namespace fs = std::filesystem;

constexpr int64_t always_fits = int64_t{1} << 26;  // bytes

std::string amount(int64_t bytes) {
  const auto number = static_cast<double>(bytes);
  return bytes < 1'000'000       ? fmt::format("{:.0f} KB", number / 1e3)
         : bytes < 1'000'000'000 ? fmt::format("{:.0f} MB", number / 1e6)
                                 : fmt::format("{:.1f} GB", number / 1e9);
}

int64_t budget_in(torch::Device device, const CacheOptions& options) {
  return (options.budget > 0 ? options.budget : free_bytes(device) / 2) / options.fits_at_once;
}

}  // namespace

bool has_room(const Split& data, const torch::Device& device, const CacheOptions& options,
              std::string& why_not) {
  if (device.is_cpu() || options.place == CachePlace::device) return true;
  int64_t bytes = 0;
  for (const auto& [_, part] : data.parts()) {
    for (const auto& tensor : {part.inputs, part.targets})
      if (tensor.defined()) bytes += static_cast<int64_t>(tensor.nbytes());
  }
  const auto budget = budget_in(device, {.budget = options.budget});
  if (bytes <= budget) return true;
  why_not = fmt::format(
      "data, {}: in the CPU's memory, from which batches are copied; the device's share is {}",
      amount(bytes), amount(budget));
  return false;
}

torch::Tensor FeatureRoom::make(torch::IntArrayRef shape) const {
  if (place == CachePlace::file) return mapped_tensor(folder, shape, type);
  return torch::empty(shape, torch::dtype(type).device(device));
}

FeatureRoom room_for(const FeatureSize& size, const CacheOptions& options) {
  const auto elements =
      std::accumulate(size.shape.begin(), size.shape.end(), int64_t{1}, std::multiplies<>());
  const auto bytes_in = [&](torch::ScalarType type) {
    return elements * static_cast<int64_t>(torch::elementSize(type));
  };
  const bool can_round = size.type == torch::kFloat32;
  auto type = can_round && options.precision == CachePrecision::bf16 ? torch::kBFloat16 : size.type;
  std::string why_not;
  const auto taken = [&](CachePlace place, const char* where) {
    const bool on_device = place == CachePlace::device || place == CachePlace::none;
    const auto what =
        fmt::format("features [{}] in {}, {}: ", fmt::join(size.shape, ", "),
                    type == torch::kBFloat16 ? "bf16" : "fp32", amount(bytes_in(type)));
    return FeatureRoom{place, type, on_device ? size.device : torch::Device(torch::kCPU),
                       options.folder, fmt::format("{}{}{}", what, where, why_not)};
  };
  switch (options.place) {
    case CachePlace::device:
      return taken(CachePlace::device, "kept on the device");
    case CachePlace::memory:
      return taken(CachePlace::memory, "kept in memory");
    case CachePlace::file:
      return taken(CachePlace::file, "kept in a file");
    case CachePlace::none:
      return taken(CachePlace::none, "computed for every batch");
    case CachePlace::automatic:
      break;
  }
  if (bytes_in(type) <= always_fits && options.budget == 0)
    return {CachePlace::device, type, size.device};

  const auto fits = [&](torch::Device device, int64_t held) {
    const auto budget = budget_in(device, options);
    const auto needed = bytes_in(type) + held;
    if (needed <= budget) return true;
    why_not +=
        fmt::format("{}{} would take {}{} of {}", why_not.empty() ? "; " : ", ",
                    device.is_cpu() ? "memory" : "the device",
                    type == torch::kBFloat16 ? "in bf16 " : "", amount(needed), amount(budget));
    return false;
  };
  const auto cpu = torch::Device(torch::kCPU);
  if (!size.device.is_cpu() && fits(size.device, size.held_on_device))
    return taken(CachePlace::device, "kept on the device");
  if (fits(cpu, size.held_in_memory)) return taken(CachePlace::memory, "kept in memory");
  if (options.precision == CachePrecision::automatic && can_round) {
    type = torch::kBFloat16;
    if (fits(cpu, size.held_in_memory)) return taken(CachePlace::memory, "kept in memory");
    type = size.type;
  }
  std::error_code error;
  const auto space = fs::space(options.folder, error);
  if (!options.folder.empty() && !error &&
      static_cast<int64_t>(space.available) / options.fits_at_once > bytes_in(type))
    return taken(CachePlace::file, "kept in a file");
  why_not += ", a file has no room";
  return taken(CachePlace::none, "computed for every batch");
}

}  // namespace layerwise
