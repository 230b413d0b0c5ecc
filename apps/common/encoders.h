#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "layerwise/nn/stacked_autoencoder.h"
#include "layerwise/train/checkpoint.h"

#include "common/images.h"
#include "common/options.h"

namespace layerwise::apps {

/// The conversion of a network's units, of the input and of each hidden layer, from and to text.
Spelling<std::vector<int64_t>> units_spelling();

/// The description in a checkpoint of an autoencoder: the network, the training images, and which
/// of them it did not learn from.
/// @param checksum of the training images
Description description_of(const DenseAutoencoder& network, const ImageData& data,
                           const std::string& checksum);
/// Under `held_out` in a description: `first 5000`, `last 10000` or `none` of the training images.
std::string held_out_text(const ImageData& data);

/// The file of a repeat's encoder: an autoencoder that was trained without labels.
std::string encoder_file(int64_t repeat);
/// The names of all such files in a folder.
std::vector<std::string> encoder_files(const std::filesystem::path& folder);

}  // namespace layerwise::apps
