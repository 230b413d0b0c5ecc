#include "layerwise/data/image_folder.h"

#include <algorithm>
#include <memory>
#include <stdexcept>
#include <system_error>
#include <utility>

#include <ATen/ops/_upsample_bilinear2d_aa.h>
#include <ATen/ops/from_blob.h>
#include <ATen/ops/stack.h>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include "layerwise/data/class_names.h"
#include "layerwise/file.h"
#include "layerwise/random.h"

#define STB_IMAGE_STATIC
#define STB_IMAGE_IMPLEMENTATION
#define STBI_NO_STDIO
#define STBI_ONLY_PNG
#define STBI_ONLY_JPEG
#define STBI_ONLY_BMP
#define STBI_ONLY_PNM
#include <stb/stb_image.h>

namespace layerwise {

namespace fs = std::filesystem;

namespace {

bool hidden(const fs::path& path) {
  return path.filename().string().starts_with('.');
}

/// What a folder holds, sorted; with everything below it if `deep`.
std::vector<fs::path> entries_of(const fs::path& folder, bool deep) {
  std::vector<fs::path> entries;
  try {
    for (const auto& entry : fs::directory_iterator(folder)) {
      if (hidden(entry.path())) continue;
      if (deep && entry.is_directory()) {
        const auto more = entries_of(entry.path(), deep);
        entries.insert(entries.end(), more.begin(), more.end());
      } else {
        entries.push_back(entry.path());
      }
    }
  } catch (const fs::filesystem_error& error) {
    throw FileError(
        fmt::format("cannot read the folder '{}': {}", folder.string(), error.code().message()),
        error.code().value());
  }
  std::sort(entries.begin(), entries.end());
  return entries;
}

/// The content of a file, as stb_image reads it. Some of its decoders go on where a file ends, with
/// pixels that nobody has written.
struct Content {
  std::string bytes;
  size_t place = 0;
  bool cut = false;  ///< whether more was asked for than there is

  int read(char* to, int wanted) {
    constexpr int of_its_buffer = 128;  // it asks for so many bytes, whether it needs them or not
    const auto there = std::min(bytes.size() - place, static_cast<size_t>(wanted));
    std::copy_n(bytes.data() + place, there, to);
    place += there;
    if (there == 0 || (static_cast<int>(there) < wanted && wanted != of_its_buffer)) cut = true;
    return static_cast<int>(there);
  }
  void skip(int count) {  // negative: back
    const auto left = static_cast<int64_t>(bytes.size() - place);
    if (count > left) cut = true;
    place += static_cast<size_t>(std::min<int64_t>(count, left));
  }
};

constexpr stbi_io_callbacks content_callbacks{
    [](void* content, char* to, int wanted) {
      return static_cast<Content*>(content)->read(to, wanted);
    },
    [](void* content, int count) { static_cast<Content*>(content)->skip(count); },
    [](void* content) {
      const auto* of = static_cast<Content*>(content);
      return static_cast<int>(of->place == of->bytes.size());
    }};

/// [channels, height, width] uint8
torch::Tensor decoded(const fs::path& path, int64_t channels) {
  Content content{read_file(path)};
  int height = 0;
  int width = 0;
  int found = 0;
  const std::unique_ptr<stbi_uc, void (*)(void*)> pixels(
      stbi_load_from_callbacks(&content_callbacks, &content, &width, &height, &found,
                               static_cast<int>(channels)),
      stbi_image_free);
  if (!pixels || content.cut) {
    throw FileError(fmt::format("'{}' is no PNG, JPEG, BMP or PNM image that can be read: {}",
                                path.string(), pixels ? "it is cut off" : stbi_failure_reason()),
                    0, "mend it, or take it out of its class's folder");
  }
  return torch::from_blob(pixels.get(), {height, width, channels}, torch::kUInt8)
      .permute({2, 0, 1})
      .clone(at::MemoryFormat::Contiguous);
}

torch::Tensor resized(const torch::Tensor& image, int64_t height, int64_t width) {
  return at::_upsample_bilinear2d_aa(image.unsqueeze(0).to(torch::kFloat32), {height, width},
                                     /*align_corners=*/false)
      .squeeze(0)
      .round()
      .clamp(0, 255)
      .to(torch::kUInt8);
}

std::string size_text(const torch::Tensor& image) {
  return fmt::format("{} x {} pixels", image.size(2), image.size(1));
}

}  // namespace

ImageFolder read_image_folder(const fs::path& folder, const ImageFolderOptions& options) {
  if (options.channels != 1 && options.channels != 3)
    throw std::invalid_argument(
        fmt::format("{} channels of the images in a folder, expected 1 or 3", options.channels));
  if (options.height < 0 || options.width < 0 || (options.height == 0) != (options.width == 0))
    throw std::invalid_argument(fmt::format("images of {} x {} pixels: give both sides, or neither",
                                            options.width, options.height));
  ImageFolder all;
  std::vector<std::string> labels;
  std::vector<torch::Tensor> images;
  for (const auto& of_class : entries_of(folder, /*deep=*/false)) {
    std::error_code ignored;
    if (!fs::is_directory(of_class, ignored)) {
      throw FileError(fmt::format("'{}' is no folder of a class", of_class.string()), 0,
                      "put images into a folder for each class, and nothing beside these folders");
    }
    const auto files = entries_of(of_class, /*deep=*/true);
    if (files.empty()) throw FileError(fmt::format("'{}' has no image", of_class.string()));
    for (const auto& file : files) {
      auto image = decoded(file, options.channels);
      if (options.height > 0) {
        image = resized(image, options.height, options.width);
      } else if (!images.empty() && image.sizes() != images.front().sizes()) {
        throw FileError(
            fmt::format("'{}' has {}, expected {} as in '{}'", file.string(), size_text(image),
                        size_text(images.front()), all.files.front().string()),
            0, "give all images one size");
      }
      images.push_back(image);
      labels.push_back(of_class.filename().string());
      all.files.push_back(file);
    }
  }
  if (images.empty()) {
    throw FileError(fmt::format("'{}' has no folder of a class", folder.string()), 0,
                    "put images into a folder for each class");
  }
  auto numbered = numbered_classes(labels);
  all.classes = std::move(numbered.names);
  all.data.targets = numbered.targets;
  all.data.inputs = at::stack(images);
  return all;
}

LabelledImages read_image_folders(const fs::path& folder) {
  const auto train = read_image_folder(folder / "train");
  const auto test = read_image_folder(folder / "test");
  if (train.classes != test.classes) {
    throw FileError(fmt::format("'{}' has the classes {}, expected those of its folder train: {}",
                                (folder / "test").string(), fmt::join(test.classes, ", "),
                                fmt::join(train.classes, ", ")),
                    0, "give both the same folders");
  }
  const auto& of_train = train.data.inputs[0];
  const auto& of_test = test.data.inputs[0];
  if (of_train.sizes() != of_test.sizes()) {
    throw FileError(fmt::format("'{}' has {}, expected {} as in '{}'", test.files[0].string(),
                                size_text(of_test), size_text(of_train), train.files[0].string()),
                    0, "give all images one size");
  }
  LabelledImages images;
  images.channels = of_train.size(0);
  images.height = of_train.size(1);
  images.width = of_train.size(2);
  // Options take the first or last rows for this or that: any of them are of all classes.
  const auto order = torch::tensor(RandomState(0).permutation(train.data.size()));
  images.train = {train.data.inputs.flatten(1).index_select(0, order),
                  train.data.targets.index_select(0, order)};
  images.test = {test.data.inputs.flatten(1), test.data.targets};
  images.checksum = checksum_of(images.train);
  return images;
}

}  // namespace layerwise
