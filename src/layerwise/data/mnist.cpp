#include "layerwise/data/mnist.h"

#include <zlib.h>

#include <algorithm>
#include <memory>
#include <stdexcept>
#include <utility>

#include <fmt/format.h>
#include <torch/utils.h>

#include "layerwise/data/idx.h"
#include "layerwise/file.h"

namespace layerwise {

namespace fs = std::filesystem;

namespace {

constexpr uint8_t classes = 10;

/// The file with this name, uncompressed or compressed; some sources have a dot instead of the
/// hyphen.
fs::path find_file(const fs::path& folder, const std::string& stem, const std::string& type) {
  for (const auto* hyphen : {"-", "."}) {
    for (const auto* ending : {"", ".gz"}) {
      const auto path = folder / (stem + hyphen + type + ending);
      std::error_code ignored;
      if (fs::exists(path, ignored)) return path;
    }
  }
  throw FileError(
      fmt::format("'{}' has no file {}-{}, plain or with .gz", folder.string(), stem, type));
}

/// A tensor over the values, which it owns.
torch::Tensor as_tensor(std::vector<uint8_t> values, const std::vector<int64_t>& shape) {
  auto kept = std::make_shared<std::vector<uint8_t>>(std::move(values));
  auto* data = kept->data();
  return torch::from_blob(
      data, shape, [kept](void*) {}, torch::kUInt8);
}

Dataset read_part(const fs::path& folder, const std::string& stem, int64_t& height,
                  int64_t& width) {
  const auto image_file = find_file(folder, stem + "-images", "idx3-ubyte");
  const auto label_file = find_file(folder, stem + "-labels", "idx1-ubyte");
  auto labels = read_idx(label_file, 1);
  auto images = read_idx(image_file, 3);
  if (labels.shape[0] != images.shape[0]) {
    throw FileError(fmt::format("'{}': count is {}, expected {}, as in '{}'", label_file.string(),
                                labels.shape[0], images.shape[0], image_file.string()));
  }
  const auto wrong = std::find_if(labels.values.begin(), labels.values.end(),
                                  [](uint8_t label) { return label >= classes; });
  if (wrong != labels.values.end()) {
    throw FileError(fmt::format("'{}': label {} is {}, expected 0 to {}", label_file.string(),
                                wrong - labels.values.begin(), *wrong, classes - 1));
  }
  if (height != 0 && (images.shape[1] != height || images.shape[2] != width)) {
    throw FileError(fmt::format("'{}': images are {} x {}, expected {} x {}, as the training set's",
                                image_file.string(), images.shape[1], images.shape[2], height,
                                width));
  }
  height = images.shape[1];
  width = images.shape[2];
  return {as_tensor(std::move(images.values), {images.shape[0], height * width}),
          as_tensor(std::move(labels.values), {labels.shape[0]}).to(torch::kInt64)};
}

Dataset rows(const Dataset& data, int64_t begin, int64_t end) {
  return {data.inputs.slice(0, begin, end), data.targets.slice(0, begin, end)};
}

}  // namespace

std::string checksum_of(const Dataset& data) {
  auto crc = ::crc32_z(0, nullptr, 0);
  for (const auto& tensor : {data.inputs.contiguous(), data.targets.contiguous()})
    crc = ::crc32_z(crc, static_cast<const Bytef*>(tensor.data_ptr()), tensor.nbytes());
  return fmt::format("{:08x}", crc);
}

LabelledImages read_mnist(const fs::path& folder) {
  LabelledImages images;
  images.train = read_part(folder, "train", images.height, images.width);
  images.checksum = checksum_of(images.train);
  images.test = read_part(folder, "t10k", images.height, images.width);
  return images;
}

Split hold_out(const Dataset& train, const Dataset& test, int64_t validation_rows,
               ValidationFrom from) {
  const int64_t count = train.size();
  if (validation_rows < 0 || validation_rows >= count) {
    throw std::invalid_argument(fmt::format(
        "hold_out: {} of {} rows for validation leaves none to train on", validation_rows, count));
  }
  if (validation_rows == 0) return {train, test};
  if (from == ValidationFrom::first)
    return {rows(train, validation_rows, count), test, rows(train, 0, validation_rows)};
  const int64_t rest = count - validation_rows;
  return {rows(train, 0, rest), test, rows(train, rest, count)};
}

}  // namespace layerwise
