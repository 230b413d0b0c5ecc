#include "layerwise/data/cifar.h"

#include <fmt/format.h>

#include "layerwise/file.h"

#include "testing.h"

namespace layerwise {
namespace {

constexpr size_t image_bytes = 3072;

/// So many images in CIFAR-10's binary format, with labels 0 to 9 over and over.
std::string batch(size_t count) {
  std::string bytes;
  for (size_t i = 0; i < count; ++i) {
    bytes.push_back(static_cast<char>(i % 10));
    bytes.append(image_bytes, static_cast<char>(i));
  }
  return bytes;
}

void write_cifar(const std::filesystem::path& folder) {
  for (int file = 1; file <= 5; ++file)
    write_whole(folder / fmt::format("data_batch_{}.bin", file), batch(static_cast<size_t>(file)));
  write_whole(folder / "test_batch.bin", batch(12));
}

TEST_CASE("CIFAR-10's six files are read in their order") {
  const testing::TemporaryFolder folder;
  write_cifar(folder.path());
  const auto images = read_cifar10(folder.path());
  REQUIRE((images.train.inputs.sizes() == torch::IntArrayRef{15, 3072}));
  REQUIRE(images.channels == 3);
  REQUIRE(images.height == 32);
  REQUIRE(images.test.targets[11].item<int64_t>() == 1);
  REQUIRE(images.test.inputs[11][3071].item<int64_t>() == 11);
  REQUIRE(images.train.targets[14].item<int64_t>() == 4);
}

TEST_CASE("A missing, cut or mislabeled file of CIFAR-10 is named") {
  const testing::TemporaryFolder folder;
  const auto refused = [&](const std::string& content, const std::string& part) {
    write_cifar(folder.path());
    const auto path = folder.path() / "data_batch_3.bin";
    write_whole(path, content);
    if (content == "none") std::filesystem::remove(path);
    try {
      read_cifar10(folder.path());
      FAIL_CHECK("not refused");
    } catch (const FileError& error) {
      INFO(error.what());
      CHECK(testing::contains(error.what(), "data_batch_3.bin"));
      CHECK(testing::contains(error.what(), part));
    }
  };
  refused("none", "");
  refused("", "holds 0 bytes");
  refused(batch(2).substr(1), "expected 3073 for each image");
  refused(std::string(image_bytes + 1, '\x0a'), "label 0 is 10, expected 0 to 9");
}

}  // namespace
}  // namespace layerwise
