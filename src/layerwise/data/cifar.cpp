#include "layerwise/data/cifar.h"

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

#include <ATen/ops/cat.h>
#include <ATen/ops/empty.h>
#include <fmt/format.h>

#include "layerwise/file.h"

namespace layerwise {

namespace fs = std::filesystem;

namespace {

/// The layout of the files.
struct Cifar {
  static constexpr int64_t channels = 3;
  static constexpr int64_t side = 32;
  static constexpr int64_t pixels = channels * side * side;
  static constexpr int64_t record = 1 + pixels;
  static constexpr uint8_t classes = 10;
  static constexpr int train_files = 5;
};

Dataset read_batch(const fs::path& path) {
  const auto content = read_file(path);
  const auto size = static_cast<int64_t>(content.size());
  if (size == 0 || size % Cifar::record != 0) {
    throw FileError(fmt::format("'{}' holds {} bytes, expected {} for each image", path.string(),
                                size, Cifar::record));
  }
  const int64_t rows = size / Cifar::record;
  auto images = at::empty({rows, Cifar::pixels}, torch::kUInt8);
  auto labels = at::empty({rows}, torch::kInt64);
  auto* image = images.data_ptr<uint8_t>();
  auto* label = labels.data_ptr<int64_t>();
  for (int64_t row = 0; row < rows; ++row) {
    const auto* at = reinterpret_cast<const uint8_t*>(content.data()) + row * Cifar::record;
    if (*at >= Cifar::classes) {
      throw FileError(fmt::format("'{}': label {} is {}, expected 0 to {}", path.string(), row, *at,
                                  Cifar::classes - 1));
    }
    label[row] = *at;
    std::copy_n(at + 1, Cifar::pixels, image + row * Cifar::pixels);
  }
  return {images, labels};
}

}  // namespace

LabelledImages read_cifar10(const fs::path& folder) {
  std::vector<torch::Tensor> inputs;
  std::vector<torch::Tensor> labels;
  for (int file = 1; file <= Cifar::train_files; ++file) {
    const auto part = read_batch(folder / fmt::format("data_batch_{}.bin", file));
    inputs.push_back(part.inputs);
    labels.push_back(part.targets);
  }
  LabelledImages images;
  images.train = {at::cat(inputs), at::cat(labels)};
  images.test = read_batch(folder / "test_batch.bin");
  images.height = images.width = Cifar::side;
  images.channels = Cifar::channels;
  images.checksum = checksum_of(images.train);
  return images;
}

}  // namespace layerwise
