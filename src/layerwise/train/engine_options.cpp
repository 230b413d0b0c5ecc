#include "layerwise/train/engine_options.h"

#include <array>
#include <utility>

#include "layerwise/names.h"

namespace layerwise {

namespace {

constexpr auto precisions = std::to_array<std::pair<Precision, const char*>>(
    {{Precision::fp32, "fp32"}, {Precision::tf32, "tf32"}, {Precision::bf16, "bf16"}});

constexpr auto cache_places =
    std::to_array<std::pair<CachePlace, const char*>>({{CachePlace::automatic, "auto"},
                                                       {CachePlace::device, "device"},
                                                       {CachePlace::memory, "memory"},
                                                       {CachePlace::file, "file"},
                                                       {CachePlace::none, "none"}});

constexpr auto cache_precisions =
    std::to_array<std::pair<CachePrecision, const char*>>({{CachePrecision::fp32, "fp32"},
                                                           {CachePrecision::bf16, "bf16"},
                                                           {CachePrecision::automatic, "auto"}});

}  // namespace

Precision precision_named(const std::string& name) {
  return names::value(precisions, "precision", name);
}
std::vector<std::string> precision_names() {
  return names::all(precisions);
}
const char* name_of(Precision precision) {
  return names::of(precisions, precision);
}

CachePlace cache_place_named(const std::string& name) {
  return names::value(cache_places, "place of the cache", name);
}
std::vector<std::string> cache_place_names() {
  return names::all(cache_places);
}
CachePrecision cache_precision_named(const std::string& name) {
  return names::value(cache_precisions, "precision of the cache", name);
}
std::vector<std::string> cache_precision_names() {
  return names::all(cache_precisions);
}

}  // namespace layerwise
