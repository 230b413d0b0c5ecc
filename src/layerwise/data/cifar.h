#pragma once

#include <filesystem>

#include "layerwise/data/mnist.h"

namespace layerwise {

/// Reads CIFAR-10's binary version: `data_batch_1.bin`, ..., `data_batch_5.bin` and
/// `test_batch.bin` of a folder. Images are bytes [rows, 3 x 32 x 32], all red values first.
/// @throws FileError naming the file, if one is missing, holds no whole number of images, or a
/// label
///   above 9
/// @see Krizhevsky, "Learning Multiple Layers of Features from Tiny Images", 2009; the data set's
///   page, "Binary version"
LabelledImages read_cifar10(const std::filesystem::path& folder);

}  // namespace layerwise
