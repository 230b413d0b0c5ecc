/// Gives the safetensors reader, which reads checkpoints, any bytes: it must refuse them or read
/// them within memory that their size explains, and what it reads must come back from being
/// written.
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include "layerwise/data/safetensors.h"
#include "layerwise/file.h"

#include "allocations.h"

namespace {

void require(bool condition) {
  if (!condition) __builtin_trap();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view content(reinterpret_cast<const char*>(data), size);
  constexpr size_t buffers = size_t{1} << 14;
  constexpr size_t json = 32;  // bytes of a parsed header to one of its text
  const allocations::Limit limit(buffers + json * size);
  std::optional<layerwise::Safetensors> file;
  try {
    file = layerwise::parse_safetensors(content, "input");
  } catch (const layerwise::FileError&) {
    return 0;
  }
  const auto written = layerwise::serialise_safetensors(*file);
  const auto again = layerwise::parse_safetensors(written, "written");
  require(again.metadata == file->metadata && again.tensors.size() == file->tensors.size());
  for (size_t i = 0; i < file->tensors.size(); ++i) {
    const auto& before = file->tensors[i];
    const auto& after = again.tensors[i];
    require(after.name == before.name && after.dtype == before.dtype &&
            after.shape == before.shape && after.data == before.data);
  }
  return 0;
}
