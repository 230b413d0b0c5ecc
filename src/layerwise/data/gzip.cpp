#include "layerwise/data/gzip.h"

#include <zlib.h>

#include <algorithm>
#include <limits>
#include <new>
#include <vector>

#include <fmt/format.h>

#include "layerwise/file.h"

namespace layerwise {

namespace {

constexpr int gzip_only = 16 + MAX_WBITS;

class Inflater {
 public:
  Inflater() {
    if (::inflateInit2(&stream, gzip_only) != Z_OK) throw std::bad_alloc();
  }
  ~Inflater() { ::inflateEnd(&stream); }
  Inflater(const Inflater&) = delete;
  Inflater& operator=(const Inflater&) = delete;

  z_stream stream{};
};

}  // namespace

bool is_gzip(std::string_view content) {
  return content.substr(0, 2) == "\x1f\x8b";
}

void decompress_gzip(std::string_view content, const std::string& name,
                     const std::function<bool(std::string_view)>& visit) {
  Inflater inflater;
  auto& stream = inflater.stream;
  std::vector<char> piece(size_t{1} << 16);
  auto rest = content;
  int status = Z_OK;
  while (status != Z_STREAM_END) {
    const auto given = std::min<size_t>(rest.size(), std::numeric_limits<uInt>::max());
    stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(rest.data()));
    stream.avail_in = static_cast<uInt>(given);
    stream.next_out = reinterpret_cast<Bytef*>(piece.data());
    stream.avail_out = static_cast<uInt>(piece.size());
    status = ::inflate(&stream, Z_NO_FLUSH);
    rest.remove_prefix(given - stream.avail_in);
    if (status == Z_MEM_ERROR) throw std::bad_alloc();
    if (status == Z_BUF_ERROR) {
      throw FileError(
          fmt::format("'{}': the gzip data are cut short after {} bytes", name, content.size()));
    }
    if (status != Z_OK && status != Z_STREAM_END) {
      throw FileError(fmt::format("'{}': the gzip data are damaged ({})", name,
                                  stream.msg != nullptr ? stream.msg : "no reason given"));
    }
    const auto size = piece.size() - stream.avail_out;
    if (size > 0 && !visit({piece.data(), size})) return;
  }
  if (!rest.empty()) {
    throw FileError(fmt::format("'{}': {} bytes follow the end of the gzip data, expected none",
                                name, rest.size()));
  }
}

}  // namespace layerwise
