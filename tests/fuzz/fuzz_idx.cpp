/// Gives the IDX reader any bytes: it must refuse them or read them, and allocate nothing larger
/// than what they hold, decompressed.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "layerwise/data/gzip.h"
#include "layerwise/data/idx.h"
#include "layerwise/file.h"

#include "allocations.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view content(reinterpret_cast<const char*>(data), size);
  constexpr size_t buffers = size_t{1} << 17;  // zlib's window, the piece it decompresses to
  constexpr size_t most_by_deflate = 1032;     // bytes out of one
  const allocations::Limit limit(buffers +
                                 size * (layerwise::is_gzip(content) ? most_by_deflate : 1));
  for (const int dimensions : {1, 3}) {
    try {
      const auto array = layerwise::parse_idx(content, dimensions, "input");
      int64_t values = 1;
      for (const int64_t length : array.shape) values *= length;
      if (values != static_cast<int64_t>(array.values.size())) __builtin_trap();
    } catch (const layerwise::FileError&) {
    }
  }
  return 0;
}
