#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include <torch/types.h>

#include "layerwise/data/dataset.h"
#include "layerwise/train/cache_options.h"

namespace layerwise {

/// The features to find room for.
struct FeatureSize {
  std::vector<int64_t> shape;  ///< [rows of all splits, ...]
  torch::ScalarType type;      ///< as computed
  torch::Device device;        ///< of the blocks
  int64_t held_on_device = 0;  ///< bytes of the features that they are computed from, there
  int64_t held_in_memory = 0;  ///< the same in the CPU's memory
};

/// Where features are to be kept.
struct FeatureRoom {
  CachePlace place = CachePlace::none;  ///< not `automatic`
  torch::ScalarType type;               ///< in which they are kept
  torch::Device device;                 ///< whose memory holds them
  std::filesystem::path folder = {};    ///< of a file
  std::string reason = {};              ///< in words; empty if nothing was to be decided

  /// An uninitialized tensor there.
  /// @throws FileError as `mapped_tensor`
  torch::Tensor make(torch::IntArrayRef shape) const;
};

/// Whether the data have room in the memory of a device: by the budget, of which they are no part
/// of any fit; always in that of the CPU, and with `CachePlace::device`.
/// @param why_not in words, if they have none
bool has_room(const Split& data, const torch::Device& device, const CacheOptions& options,
              std::string& why_not);

/// Decides by size.
FeatureRoom room_for(const FeatureSize& size, const CacheOptions& options);

}  // namespace layerwise
