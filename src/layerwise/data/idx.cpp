#include "layerwise/data/idx.h"

#include <algorithm>
#include <optional>

#include <fmt/format.h>

#include "layerwise/data/gzip.h"
#include "layerwise/file.h"

namespace layerwise {

namespace {

constexpr uint8_t unsigned_byte = 0x08;

size_t header_size(int dimensions) {
  return 4 + 4 * static_cast<size_t>(dimensions);
}

uint32_t big_endian(std::string_view bytes) {
  uint32_t value = 0;
  for (const char byte : bytes.substr(0, 4)) value = value << 8 | static_cast<uint8_t>(byte);
  return value;
}

std::string name_of_dimension(int dimension) {
  static constexpr const char* names[] = {"count", "rows", "columns"};
  return dimension < 3 ? names[dimension] : fmt::format("dimension {}", dimension + 1);
}

[[noreturn]] void fail(const std::string& name, const std::string& field, const std::string& found,
                       const std::string& expected) {
  throw FileError(fmt::format("'{}': {} is {}, expected {}", name, field, found, expected));
}

void check_magic(std::string_view header, int dimensions, const std::string& name) {
  const uint32_t magic = big_endian(header);
  const uint32_t expected = uint32_t{unsigned_byte} << 8 | static_cast<uint32_t>(dimensions);
  if (magic == expected) return;
  const auto type = magic >> 8;
  if (type == unsigned_byte) {
    fail(name, "the number of dimensions",
         fmt::format("{} (magic number {:#010x})", magic & 0xffU, magic),
         fmt::format("{} ({:#010x}, {})", dimensions, expected,
                     dimensions == 1 ? "labels" : "images"));
  }
  if (type < 0x100) {
    fail(name, "the type of the values",
         fmt::format("{:#04x} (magic number {:#010x})", type, magic),
         fmt::format("{:#04x}, unsigned bytes ({:#010x})", unsigned_byte, expected));
  }
  fail(name, "the magic number", fmt::format("{:#010x}", magic), fmt::format("{:#010x}", expected));
}

/// The content of a header, checked as far as possible without the values.
struct Header {
  Header(std::string_view bytes, int dimensions, const std::string& name) {
    if (bytes.size() < header_size(dimensions)) {
      fail(name, "the length", fmt::format("{} bytes", bytes.size()),
           fmt::format("at least the {} of the header", header_size(dimensions)));
    }
    check_magic(bytes, dimensions, name);
    bool fits = true;
    for (int i = 0; i < dimensions; ++i) {
      const int64_t size = big_endian(bytes.substr(header_size(i)));
      if (size == 0) fail(name, name_of_dimension(i), "0", "at least 1");
      fits = fits && !__builtin_mul_overflow(values, size, &values);
      shape.push_back(size);
    }
    if (!fits || values > int64_t{1} << 62) {
      fail(name, "the number of values", "more than 2^62", "one that a file can hold");
    }
  }

  void check_length(int64_t found, const std::string& name, const char* more = "") const {
    const auto expected =
        static_cast<int64_t>(header_size(static_cast<int>(shape.size()))) + values;
    if (found == expected) return;
    fail(name, "the length", fmt::format("{} bytes{}", found, more),
         fmt::format("{}, as the header's sizes make it", expected));
  }

  std::vector<int64_t> shape;
  int64_t values = 1;
};

IdxArray parse_plain(std::string_view content, int dimensions, const std::string& name) {
  const Header header(content, dimensions, name);
  header.check_length(static_cast<int64_t>(content.size()), name);
  content.remove_prefix(header_size(dimensions));
  return {header.shape, {content.begin(), content.end()}};
}

/// Decompresses twice: first to check that everything is as the header says, then into the result.
IdxArray parse_compressed(std::string_view content, int dimensions, const std::string& name) {
  std::string beginning;
  std::optional<Header> header;
  int64_t length = 0;
  decompress_gzip(content, name, [&](std::string_view piece) {
    length += static_cast<int64_t>(piece.size());
    const auto missing = header_size(dimensions) - beginning.size();
    beginning += piece.substr(0, missing);
    if (!header && beginning.size() == header_size(dimensions))
      header.emplace(beginning, dimensions, name);
    const bool too_long = header && length > header->values + 4 + 4 * dimensions;
    if (too_long) header->check_length(length, name, " or more, decompressed");
    return true;
  });
  if (!header) header.emplace(beginning, dimensions, name);
  header->check_length(length, name, ", decompressed");

  IdxArray array{header->shape, {}};
  array.values.reserve(static_cast<size_t>(header->values));
  size_t skipped = 0;
  decompress_gzip(content, name, [&](std::string_view piece) {
    const auto skip = std::min(header_size(dimensions) - skipped, piece.size());
    skipped += skip;
    piece.remove_prefix(skip);
    array.values.insert(array.values.end(), piece.begin(), piece.end());
    return true;
  });
  return array;
}

}  // namespace

IdxArray parse_idx(std::string_view content, int dimensions, const std::string& name) {
  return is_gzip(content) ? parse_compressed(content, dimensions, name)
                          : parse_plain(content, dimensions, name);
}

IdxArray read_idx(const std::filesystem::path& path, int dimensions) {
  return parse_idx(read_file(path), dimensions, path.string());
}

}  // namespace layerwise
