#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

#include "layerwise/data/dataset.h"

namespace layerwise {

/// Images [rows, channels x height x width] as bytes or as float32 in [0, 1], and labels from 0 as
/// int64.
struct LabelledImages {
  Dataset train;
  Dataset test;
  int64_t height = 0;
  int64_t width = 0;
  int64_t channels = 1;
  std::string checksum;  ///< of the training images and labels
};

/// CRC-32 of the inputs and targets, which are on the CPU.
std::string checksum_of(const Dataset& data);

/// Reads MNIST, or data in the same files: the four IDX files `train-images-idx3-ubyte`,
/// `train-labels-idx1-ubyte`, `t10k-images-idx3-ubyte` and `t10k-labels-idx1-ubyte` of a folder,
/// each uncompressed or with
/// `.gz`.
///
/// The images stay bytes, which take a quarter of the memory of float32; see `values_of`.
/// @throws FileError as `read_idx`, and if a file is missing, the numbers of images and labels
///   differ, a label is above 9, or the test images have another size than the training images
LabelledImages read_mnist(const std::filesystem::path& folder);

enum class ValidationFrom { first, last };

/// Takes rows of the training set for validation: the first ones, as TensorFlow's reader did, or
/// the last ones. With 0 rows there is no validation set.
/// @throws std::invalid_argument if the number is negative or leaves no row to train on
Split hold_out(const Dataset& train, const Dataset& test, int64_t validation_rows,
               ValidationFrom from);

}  // namespace layerwise
