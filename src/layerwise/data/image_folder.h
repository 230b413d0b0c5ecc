#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "layerwise/data/dataset.h"
#include "layerwise/data/mnist.h"

namespace layerwise {

struct ImageFolderOptions {
  int64_t channels = 3;  ///< 1 makes gray images of color images; 3 the other way round
  int64_t height = 0;    ///< images of another size are resized; with 0, refused
  int64_t width = 0;
};

/// The images of a folder.
struct ImageFolder {
  Dataset data;  ///< inputs [images, channels, height, width] uint8; targets [images] int64
  std::vector<std::string> classes;          ///< names of classes 0, 1, ...: those of the folders
  std::vector<std::filesystem::path> files;  ///< of the rows
};

/// Reads images by class: `FOLDER/CLASS/.../IMAGE`, as PNG, JPEG, BMP or PNM files.
///
/// Classes are numbered as `numbered_classes` does, and files come in the order of their paths.
/// Names that begin with a dot are skipped. Resizing is bilinear with antialiasing, as in
/// torchvision's `Resize`. Files are decoded by stb_image, whose authors ask not to give it files
/// from people whom you do not trust.
/// @throws FileError naming the file or folder, if there is no class, a class has no image, a file
///   is no image, or an image has another size than the first one and none is asked for
/// @throws std::invalid_argument if channels are not 1 or 3, or one of height and width alone is 0
ImageFolder read_image_folder(const std::filesystem::path& folder,
                              const ImageFolderOptions& options = {});

/// Reads `FOLDER/train` and `FOLDER/test`, which hold images of one size by the same classes, in
/// color. The training images come in one order, random but the same every time, so that the first
/// and the last rows are of all classes.
/// @throws FileError as `read_image_folder`, and if sizes or classes of the two differ
LabelledImages read_image_folders(const std::filesystem::path& folder);

}  // namespace layerwise
