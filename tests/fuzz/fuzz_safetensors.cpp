/// Gives the safetensors reader, which reads checkpoints, any bytes: it must refuse them or read
/// them, and what it reads must survive being written and read again.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "layerwise/data/safetensors.h"
#include "layerwise/file.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view content(reinterpret_cast<const char*>(data), size);
  try {
    const auto file = layerwise::parse_safetensors(content, "input");
    const auto written = layerwise::serialise_safetensors(file);
    const auto again = layerwise::parse_safetensors(written, "written");
    if (again.tensors.size() != file.tensors.size()) __builtin_trap();
    for (size_t i = 0; i < file.tensors.size(); ++i) {
      if (again.tensors[i].data != file.tensors[i].data) __builtin_trap();
    }
  } catch (const layerwise::FileError&) {
  }
  return 0;
}
