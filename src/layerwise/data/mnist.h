#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

#include "layerwise/data/dataset.h"

namespace layerwise {

/// MNIST, or data of the same files: images [rows, pixels] as bytes and labels 0 to 9 as int64.
struct LabelledImages {
  Dataset train;
  Dataset test;
  int64_t height = 0;
  int64_t width = 0;
  std::string checksum;  ///< CRC-32 of the training images and labels
};

/// Reads the four IDX files `train-images-idx3-ubyte`, `train-labels-idx1-ubyte`,
/// `t10k-images-idx3-ubyte` and `t10k-labels-idx1-ubyte` of a folder, each plain or with `.gz`.
///
/// The images stay bytes, a quarter of what they would take as float32; see `values_of`.
/// @throws FileError as `read_idx`, and if a file is missing, images and labels are not as many,
///   a label is above 9, or the test images have another size
LabelledImages read_mnist(const std::filesystem::path& folder);

enum class ValidationFrom { first, last };

/// Takes rows of the training set for validation: its first ones, as TensorFlow's reader did, or
/// its last ones. With no rows there is no validation set.
/// @throws std::invalid_argument if that leaves no row to train on
Split hold_out(const Dataset& train, const Dataset& test, int64_t validation_rows,
               ValidationFrom from);

}  // namespace layerwise
