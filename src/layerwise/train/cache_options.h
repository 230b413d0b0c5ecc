#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace layerwise {

/// Where the output of frozen blocks, the features, is kept between the steps of a stage.
enum class CachePlace {
  automatic,  ///< the first of the following that has room, decided by size, from the first few
              ///< rows
  device,     ///< in the memory of the blocks' device
  memory,     ///< in the CPU's memory
  file,       ///< in a memory-mapped file without a name, gone with its last mapping
  none,       ///< nowhere: the frozen blocks are run for every batch
};

/// The type in which features are kept.
enum class CachePrecision {
  fp32,       ///< as computed
  bf16,       ///< rounded to bfloat16, which takes half the memory
  automatic,  ///< as computed, but rounded where only that has room in memory
};

/// How features are kept. Where does not change the bits of results, but in which precision does;
/// and without a cache, they differ by rounding.
struct CacheOptions {
  CachePlace place = CachePlace::automatic;
  CachePrecision precision = CachePrecision::fp32;
  /// Bytes for features in each memory, those read and those being written; 0 for half of what is
  /// free there. A study keeps data in the memory of a device if they take no more.
  int64_t budget = 0;
  /// How many fits run at once, each with its share of the budget.
  int64_t fits_at_once = 1;
  std::filesystem::path folder = {};  ///< for files; if empty, there is no room for any

  /// Whether features must be kept, so that a fit that cannot keep them is refused.
  bool required() const { return place != CachePlace::automatic && place != CachePlace::none; }
};

/// The values with these names in options: `auto`, `device`, `memory`, `file` or `none`; and
/// `fp32`, `bf16` or `auto`.
/// @throws std::invalid_argument listing the names, if it is none of them
CachePlace cache_place_named(const std::string& name);
CachePrecision cache_precision_named(const std::string& name);
std::vector<std::string> cache_place_names();
std::vector<std::string> cache_precision_names();

}  // namespace layerwise
