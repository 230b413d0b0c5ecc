#include "layerwise/pretraining/feature_cache.h"

#include <algorithm>
#include <cstddef>
#include <optional>
#include <stdexcept>
#include <utility>

#include <fmt/format.h>
#include <torch/utils.h>

#include "layerwise/pretraining/feature_room.h"
#include "layerwise/train/evaluate.h"

namespace layerwise {

namespace {

int64_t bytes_of(const Split& data, bool on_cpu) {
  int64_t bytes = 0;
  for (const auto& [_, part] : data.parts()) {
    if (part.inputs.is_cpu() == on_cpu) bytes += static_cast<int64_t>(part.inputs.nbytes());
  }
  return bytes;
}

/// @param own whether the cache keeps the inputs
/// @param rows some rows of the output
FeatureSize size_of_output(const torch::Tensor& rows, const Split& inputs, bool own) {
  FeatureSize size{rows.sizes().vec(), rows.scalar_type(), rows.device()};
  size.shape[0] = 0;
  for (const auto& [_, part] : inputs.parts()) size.shape[0] += part.size();
  if (own) {
    size.held_on_device = rows.is_cpu() ? 0 : bytes_of(inputs, false);
    size.held_in_memory = bytes_of(inputs, true);
  }
  return size;
}

}  // namespace

FeatureCache::FeatureCache(Split data) : data_(std::move(data)), features_(data_) {}

size_t FeatureCache::done(const std::vector<uint64_t>& prints) {
  const bool extends = applied_.size() <= prints.size() &&
                       std::equal(applied_.begin(), applied_.end(), prints.begin());
  if (!extends) {
    features_ = data_;
    applied_.clear();
    in_file_ = false;
    kept_.clear();
  }
  return applied_.size();
}

Features FeatureCache::of(const std::vector<Block>& frozen, const CacheOptions& options) {
  return of(frozen, fingerprints(frozen), options);
}

Features FeatureCache::of(const std::vector<Block>& frozen, const std::vector<uint64_t>& prints,
                          const CacheOptions& options) {
  if (options.precision != CachePrecision::fp32) {
    // Rounded behind every block, so that the bits do not depend on which of them came at once.
    for (size_t count = done(prints) + 1; count < frozen.size(); ++count) {
      const auto end = static_cast<std::ptrdiff_t>(count);
      extend({frozen.begin(), frozen.begin() + end}, {prints.begin(), prints.begin() + end},
             options);
    }
  }
  return extend(frozen, prints, options);
}

Features FeatureCache::extend(const std::vector<Block>& frozen, const std::vector<uint64_t>& prints,
                              const CacheOptions& options) {
  const std::vector<Block> missing(frozen.begin() + static_cast<std::ptrdiff_t>(done(prints)),
                                   frozen.end());
  if (missing.empty()) return {features_, {}, kept_};
  const auto chain = chain_of(missing);
  const bool own = !applied_.empty() && !in_file_;
  std::optional<FeatureRoom> room;
  const auto make_room = [&](const torch::Tensor& rows, torch::IntArrayRef shape) {
    if (!room) room = room_for(size_of_output(rows, features_, own), options);
    return room->place == CachePlace::none ? torch::Tensor() : room->make(shape);
  };
  auto written = features_;
  for (auto* part : {&written.train, &written.validation, &written.test}) {
    if (!part->inputs.defined()) continue;
    part->inputs = forward_in_chunks(chain, part->inputs, make_room);
    if (room->place == CachePlace::none) return {features_, missing, room->reason};
  }
  features_ = std::move(written);
  in_file_ = room->place == CachePlace::file;
  applied_ = prints;
  kept_ = room->reason;
  return {features_, {}, kept_};
}

torch::Tensor FeatureCache::output(const std::vector<Block>& blocks, const std::string& split) {
  const auto first = static_cast<std::ptrdiff_t>(done(fingerprints(blocks)));
  for (const auto& [name, part] : features_.parts()) {
    if (name != split) continue;
    if (static_cast<size_t>(first) == blocks.size()) return part.inputs;
    return forward_in_chunks(chain_of({blocks.begin() + first, blocks.end()}), part.inputs);
  }
  throw std::invalid_argument(fmt::format("there is no split '{}'", split));
}

}  // namespace layerwise
