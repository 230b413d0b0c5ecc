#include "layerwise/data/idx.h"

#include <string>
#include <vector>

#include <fmt/format.h>

#include "layerwise/data/mnist.h"

#include "data/images.h"

namespace layerwise {
namespace {

using testing::contains;
using testing::content_of;
using testing::gzip;
using testing::idx;
using testing::TemporaryFolder;

/// What the error says, which names the file; empty if there is none.
std::string fault(const std::string& content, int dimensions) {
  try {
    parse_idx(content, dimensions, "FILE");
  } catch (const FileError& error) {
    REQUIRE(contains(error.what(), "'FILE'"));
    return error.what();
  }
  return {};
}

const std::string images = idx({2, 2, 3}, {0, 1, 2, 3, 4, 5, 250, 251, 252, 253, 254, 255});

TEST_CASE("IDX files read the same plain and compressed") {
  for (const auto& content : {images, gzip(images)}) {
    const auto array = parse_idx(content, 3, "FILE");
    REQUIRE(array.shape == std::vector<int64_t>{2, 2, 3});
    REQUIRE(array.values == std::vector<uint8_t>{0, 1, 2, 3, 4, 5, 250, 251, 252, 253, 254, 255});
  }
  REQUIRE(parse_idx(idx({3}, {7, 8, 9}), 1, "FILE").values == std::vector<uint8_t>{7, 8, 9});
}

TEST_CASE("An IDX file that lies is named with the field, what was found and what was expected") {
  const auto with = [](size_t place, char byte) {
    auto changed = images;
    changed[place] = byte;
    return changed;
  };
  struct Case {
    std::string content;
    int dimensions;
    std::vector<std::string> words;
  };
  const std::vector<Case> cases{
      {"", 3, {"length", "0 bytes", "16"}},
      {images.substr(0, 15), 3, {"length", "15 bytes", "16"}},
      {images.substr(0, images.size() - 1), 3, {"length", "27 bytes", "28"}},
      {images + "x", 3, {"length", "29 bytes", "28"}},
      {with(0, 1), 3, {"magic", "0x01000803", "0x00000803"}},
      {with(2, 0x0d), 3, {"type", "0x0d", "0x08"}},
      {images, 1, {"dimensions", "3", "1", "labels"}},
      {idx({5}, {1, 2, 3, 4, 5}) + "0123456789", 3, {"dimensions", "1", "3", "images"}},
      {idx({0}, {}), 1, {"count", "0", "at least 1"}},
      {idx({2, 0, 3}, {}), 3, {"rows", "0", "at least 1"}},
      {idx({2, 2, 0}, {}), 3, {"columns", "0", "at least 1"}},
      {with(4, 0x7f), 3, {"length", "28 bytes"}},
      {idx({0xffffffffU, 0xffffffffU, 0xffffffffU}, {1}), 3, {"number of values"}},
      {idx({0xffffffffU, 0xffffffffU, 1}, {1}), 3, {"values"}},
  };
  for (const auto& [content, dimensions, words] : cases) {
    const auto compressed = fault(gzip(content), dimensions);
    INFO(compressed);
    REQUIRE(contains(compressed, words.front()));
    for (const auto& word : words) REQUIRE(contains(fault(content, dimensions), word));
  }
}

TEST_CASE("Every flipped header bit of an IDX file is found") {
  for (size_t bit = 0; bit < 16 * 8; ++bit) {
    auto changed = images;
    changed[bit / 8] = static_cast<char>(changed[bit / 8] ^ (1 << bit % 8));
    INFO("bit " << bit);
    REQUIRE_FALSE(fault(changed, 3).empty());
  }
}

TEST_CASE("A gzip file cut anywhere, or with something behind it, is refused") {
  const auto whole = gzip(images);
  for (size_t size = 0; size < whole.size(); ++size) {
    INFO(size << " bytes");
    REQUIRE_FALSE(fault(whole.substr(0, size), 3).empty());
  }
  REQUIRE(contains(fault(whole + "x", 3), "1 bytes follow"));
}

TEST_CASE("A flipped bit of a gzip file is found, or is one that changes no image") {
  const auto whole = gzip(images);
  const auto values = parse_idx(whole, 3, "FILE").values;
  int harmless = 0;
  for (size_t bit = 0; bit < whole.size() * 8; ++bit) {
    auto changed = whole;
    changed[bit / 8] = static_cast<char>(changed[bit / 8] ^ (1 << bit % 8));
    INFO("bit " << bit);
    try {
      const bool same = parse_idx(changed, 3, "FILE").values == values;
      CHECK(same);
      ++harmless;
    } catch (const FileError&) {
    }
  }
  // The format has no check of these: a flag that says 'text', the time, the level and the system,
  // and what fills the last byte of the compressed data.
  REQUIRE(harmless <= 1 + 6 * 8 + 7);
}

TEST_CASE("A small gzip file that would become huge is refused before it does") {
  const std::string zeros(size_t{64} << 20, '\0');
  const auto bomb = gzip(images + zeros);
  REQUIRE(bomb.size() < size_t{1} << 17);
  REQUIRE(contains(fault(bomb, 3), "length"));
}

std::string read_fault(const TemporaryFolder& folder) {
  try {
    read_mnist(folder.path());
  } catch (const FileError& error) {
    return error.what();
  }
  return {};
}

TEST_CASE("The four files of MNIST are read, and must belong together") {
  const TemporaryFolder folder;
  testing::write_images(folder.path());
  const auto data = read_mnist(folder.path());
  REQUIRE(data.train.inputs.sizes() == torch::IntArrayRef({130, 30}));
  REQUIRE(data.test.inputs.sizes() == torch::IntArrayRef({30, 30}));
  REQUIRE(data.train.inputs.scalar_type() == torch::kUInt8);
  REQUIRE(data.train.targets[17].item<int64_t>() == 7);
  REQUIRE(values_of(data.train.inputs).max().item<float>() <= 1.0F);
  REQUIRE(torch::equal(values_of(data.train.inputs), data.train.inputs.to(torch::kFloat32) / 255));

  const auto image_file = folder.file("train-images-idx3-ubyte");
  const auto label_file = folder.file("train-labels-idx1-ubyte");
  const auto pixels = content_of(image_file);
  const auto labels = content_of(label_file);
  std::filesystem::remove(image_file);
  REQUIRE(contains(read_fault(folder), "no file train-images-idx3-ubyte"));
  write_whole(image_file + ".gz", gzip(pixels));
  REQUIRE(torch::equal(read_mnist(folder.path()).train.inputs, data.train.inputs));
  std::filesystem::remove(label_file);
  REQUIRE(contains(read_fault(folder), "no file train-labels-idx1-ubyte"));
  write_whole(label_file, idx({131}, std::vector<uint8_t>(131, 1)));
  REQUIRE(contains(read_fault(folder), "count is 131, expected 130"));
  auto wrong = labels;
  wrong[8 + 5] = 10;
  write_whole(label_file, wrong);
  REQUIRE(contains(read_fault(folder), "label 5 is 10, expected 0 to 9"));
  write_whole(label_file, labels);
  write_whole(folder.file("t10k-images-idx3-ubyte"), idx({30, 1, 1}, std::vector<uint8_t>(30)));
  REQUIRE(contains(read_fault(folder), "1 x 1, expected 5 x 6"));
}

TEST_CASE("Validation rows are the first ones, or the last, and never all") {
  const auto rows = torch::arange(10, torch::kFloat32).view({10, 1});
  const Dataset train{rows, torch::arange(10)};
  const auto first = hold_out(train, train, 3, ValidationFrom::first);
  REQUIRE(torch::equal(first.validation.inputs, rows.slice(0, 0, 3)));
  REQUIRE(torch::equal(first.train.inputs, rows.slice(0, 3, 10)));
  const auto last = hold_out(train, train, 3, ValidationFrom::last);
  REQUIRE(torch::equal(last.validation.inputs, rows.slice(0, 7, 10)));
  REQUIRE(torch::equal(last.train.inputs, rows.slice(0, 0, 7)));
  REQUIRE_FALSE(hold_out(train, train, 0, ValidationFrom::first).validation.inputs.defined());
  REQUIRE_THROWS_AS(hold_out(train, train, 10, ValidationFrom::first), std::invalid_argument);
}

}  // namespace
}  // namespace layerwise
