#include "layerwise/train/engine_options.h"

#include <array>
#include <utility>

#include "layerwise/names.h"

namespace layerwise {

namespace {

constexpr auto precisions = std::to_array<std::pair<Precision, const char*>>(
    {{Precision::fp32, "fp32"}, {Precision::tf32, "tf32"}, {Precision::bf16, "bf16"}});

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

}  // namespace layerwise
