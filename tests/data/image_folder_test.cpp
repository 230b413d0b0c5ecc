#include "layerwise/data/image_folder.h"

#include <stdexcept>
#include <string>
#include <vector>

#include "layerwise/file.h"

#include "testing.h"

namespace layerwise {
namespace {

using testing::contains;
using testing::TemporaryFolder;

/// A PNM image of gray or colored pixels, row by row.
std::string pnm(int64_t width, int64_t height, const std::vector<uint8_t>& values) {
  const bool gray = static_cast<int64_t>(values.size()) == width * height;
  auto text =
      (gray ? "P5 " : "P6 ") + std::to_string(width) + " " + std::to_string(height) + " 255\n";
  return text.append(values.begin(), values.end());
}

void write(const std::filesystem::path& path, const std::string& content) {
  std::filesystem::create_directories(path.parent_path());
  write_whole(path, content);
}

/// What Pillow wrote: 3 x 2 pixels, of which the first is red and the fourth (1, 2, 3).
std::string png() {
  const std::string hex =
      "89504e470d0a1a0a0000000d49484452000000030000000208020000001216f14d000000174944415478da63f8cf"
      "c0c000c18c4ccc2929299c1cec0033230448d4226ea10000000049454e44ae426082";
  std::string bytes;
  for (size_t i = 0; i < hex.size(); i += 2)
    bytes += static_cast<char>(std::stoi(hex.substr(i, 2), nullptr, 16));
  return bytes;
}

/// What the error of reading the folder says.
template <typename Reader>
std::string fault(const std::filesystem::path& folder, const Reader& read) {
  try {
    read(folder);
  } catch (const FileError& error) {
    return error.what();
  }
  return {};
}
std::string fault(const std::filesystem::path& folder) {
  return fault(folder, [](const auto& path) { read_image_folder(path); });
}

TEST_CASE("A folder of images by class becomes inputs and classes") {
  const TemporaryFolder folder;
  write(folder.path() / "10/a.ppm", pnm(3, 2, std::vector<uint8_t>(18, 7)));
  write(folder.path() / "9/b/later.png", png());
  write(folder.path() / "9/a.pgm", pnm(3, 2, {1, 2, 3, 4, 5, 6}));
  write(folder.path() / "9/.thumbnails", "no image");
  const auto found = read_image_folder(folder.path());
  REQUIRE(found.classes == std::vector<std::string>{"9", "10"});
  REQUIRE(found.files == std::vector{folder.path() / "10/a.ppm", folder.path() / "9/a.pgm",
                                     folder.path() / "9/b/later.png"});
  REQUIRE(torch::equal(found.data.targets, torch::tensor({1, 0, 0}, torch::kInt64)));
  const auto& inputs = found.data.inputs;
  REQUIRE(inputs.scalar_type() == torch::kUInt8);
  REQUIRE((inputs.sizes() == torch::IntArrayRef{3, 3, 2, 3}));
  REQUIRE((inputs[0] == 7).all().item<bool>());
  for (int64_t channel = 0; channel < 3; ++channel) {
    REQUIRE(inputs[1][channel][1][2].item<int64_t>() == 6);
    REQUIRE(inputs[2][channel][0][0].item<int64_t>() == (channel == 0 ? 255 : 0));
    REQUIRE(inputs[2][channel][1][0].item<int64_t>() == channel + 1);
  }
}

TEST_CASE("Images of other sizes are resized, and colors become gray, where that is asked for") {
  const TemporaryFolder folder;
  write(folder.path() / "c/one.pgm", pnm(4, 2, {0, 100, 200, 100, 0, 100, 200, 100}));
  write(folder.path() / "c/two.ppm", pnm(2, 2, std::vector<uint8_t>(12, 90)));
  const auto found = read_image_folder(folder.path(), {.channels = 1, .height = 1, .width = 2});
  REQUIRE((found.data.inputs.sizes() == torch::IntArrayRef{2, 1, 1, 2}));
  // Pillow's and torchvision's triangle filter of twice the width: (3 x 0 + 3 x 100 + 200) / 7.
  REQUIRE(found.data.inputs[0][0][0][0].item<int64_t>() == 71);
  REQUIRE((found.data.inputs[1] == 90).all().item<bool>());
  REQUIRE_THROWS_AS(read_image_folder(folder.path(), {.channels = 2}), std::invalid_argument);
  REQUIRE_THROWS_AS(read_image_folder(folder.path(), {.height = 2}), std::invalid_argument);
}

TEST_CASE("A folder that cannot be read as images is refused with the name of what is wrong") {
  const TemporaryFolder folder;
  const auto data = folder.path() / "data";
  REQUIRE(contains(fault(data), "cannot read the folder '" + data.string() + "'"));
  std::filesystem::create_directories(data);
  REQUIRE(contains(fault(data), "has no folder of a class"));
  std::filesystem::create_directories(data / "cats");
  REQUIRE(contains(fault(data), "cats' has no image"));
  write(data / "cats/1.png", png());
  REQUIRE(fault(data).empty());
  for (const auto& damaged : {std::string(), std::string("text"), png().substr(0, 50)}) {
    write(data / "cats/2.png", damaged);
    REQUIRE(contains(fault(data), "cats/2.png' is no PNG, JPEG, BMP or PNM image"));
  }
  const auto large = pnm(20, 10, std::vector<uint8_t>(600, 9));
  write(data / "cats/2.png", large.substr(0, 40));
  REQUIRE(contains(fault(data), "cats/2.png' is no PNG, JPEG, BMP or PNM image"));
  write(data / "cats/2.png", large.substr(0, large.size() - 1));
  REQUIRE(contains(fault(data), "it is cut off"));
  write(data / "cats/2.png", pnm(2, 3, std::vector<uint8_t>(6)));
  REQUIRE(contains(fault(data), "cats/2.png' has 2 x 3 pixels, expected 3 x 2 pixels as in '"));
  std::filesystem::remove(data / "cats/2.png");
  write(data / "notes.txt", "text");
  REQUIRE(contains(fault(data), "notes.txt' is no folder of a class"));
}

TEST_CASE("The first training images of a folder are of all classes") {
  const TemporaryFolder folder;
  for (int image = 0; image < 20; ++image) {
    for (const auto* name : {"train/a/", "train/b/", "test/a/", "test/b/"})
      write(folder.path() / (name + std::to_string(image) + ".png"), png());
  }
  const auto found = read_image_folders(folder.path());
  for (const auto& some :
       {found.train.targets.slice(0, 0, 10), found.train.targets.slice(0, 30, 40)}) {
    const auto of_b = some.sum().item<int64_t>();
    REQUIRE(of_b > 0);
    REQUIRE(of_b < 10);
  }
  REQUIRE(found.train.targets.sum().item<int64_t>() == 20);
  REQUIRE(torch::equal(found.train.targets, read_image_folders(folder.path()).train.targets));
}

TEST_CASE("Training and test images have the same classes and sizes") {
  const TemporaryFolder folder;
  for (const auto* name : {"train/a/1", "train/b/1", "train/b/2", "test/a/1", "test/b/9"})
    write(folder.path() / (std::string(name) + ".png"), png());
  const auto found = read_image_folders(folder.path());
  REQUIRE((found.train.inputs.sizes() == torch::IntArrayRef{3, 18}));
  REQUIRE((found.test.inputs.sizes() == torch::IntArrayRef{2, 18}));
  REQUIRE(found.channels == 3);
  REQUIRE(found.height == 2);
  REQUIRE(found.width == 3);
  write(folder.path() / "test/a/1.png", pnm(1, 1, {1}));
  write(folder.path() / "test/b/9.png", pnm(1, 1, {1}));
  REQUIRE(
      contains(fault(folder.path(), read_image_folders), "1 x 1 pixels, expected 3 x 2 pixels"));
  std::filesystem::rename(folder.path() / "test/a", folder.path() / "test/c");
  REQUIRE(contains(fault(folder.path(), read_image_folders),
                   "classes b, c, expected those of its folder train: a, b"));
}

}  // namespace
}  // namespace layerwise
