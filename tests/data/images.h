#pragma once

#include <zlib.h>

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "layerwise/file.h"
#include "layerwise/random.h"

#include "testing.h"

/// Small data sets in MNIST's files.
namespace layerwise::testing {

/// An IDX file of these sizes and values.
inline std::string idx(const std::vector<uint32_t>& shape, const std::vector<uint8_t>& values) {
  std::string bytes{'\0', '\0', '\x08', static_cast<char>(shape.size())};
  for (const uint32_t size : shape) {
    for (int shift = 24; shift >= 0; shift -= 8) bytes += static_cast<char>(size >> shift & 0xffU);
  }
  return bytes.append(values.begin(), values.end());
}

inline std::string gzip(const std::string& content) {
  z_stream stream{};
  REQUIRE(::deflateInit2(&stream, 9, Z_DEFLATED, 16 + MAX_WBITS, 8, Z_DEFAULT_STRATEGY) == Z_OK);
  std::string compressed(::deflateBound(&stream, content.size()) + 64, '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(content.data()));
  stream.avail_in = static_cast<uInt>(content.size());
  stream.next_out = reinterpret_cast<Bytef*>(compressed.data());
  stream.avail_out = static_cast<uInt>(compressed.size());
  REQUIRE(::deflate(&stream, Z_FINISH) == Z_STREAM_END);
  compressed.resize(stream.total_out);
  ::deflateEnd(&stream);
  return compressed;
}

struct ImagesOptions {
  uint32_t seed = 3;
  uint32_t train = 130;
  uint32_t test = 30;
  uint32_t height = 5;
  uint32_t width = 6;
};

/// Writes the four files: pixels are `RandomState(seed).random_sample() * 256`, training images
/// first, labels count 0 to 9 over and over.
inline void write_images(const std::filesystem::path& folder, const ImagesOptions& options = {}) {
  RandomState random(options.seed);
  std::filesystem::create_directories(folder);
  const auto write = [&](const std::string& stem, uint32_t count) {
    std::vector<uint8_t> pixels(size_t{count} * options.height * options.width);
    for (auto& pixel : pixels) pixel = static_cast<uint8_t>(random.random_sample() * 256);
    std::vector<uint8_t> labels(count);
    for (size_t i = 0; i < labels.size(); ++i) labels[i] = static_cast<uint8_t>(i % 10);
    write_whole(folder / (stem + "-images-idx3-ubyte"),
                idx({count, options.height, options.width}, pixels));
    write_whole(folder / (stem + "-labels-idx1-ubyte"), idx({count}, labels));
  };
  write("train", options.train);
  write("t10k", options.test);
}

}  // namespace layerwise::testing
