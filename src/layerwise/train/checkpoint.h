#pragma once

#include <filesystem>
#include <map>
#include <string>

#include <torch/nn/module.h>

namespace layerwise {

/// What a model is, in words: `{"units", "784,300,150"}`, `{"activation", "elu"}`.
using Description = std::map<std::string, std::string>;

/// Saves a module's parameters and buffers as a safetensors file, whole or not at all.
///
/// Its metadata hold the description, the version of the format and a CRC-32 of all this and the
/// tensors. Python
/// reads it with `safetensors.torch.load_file`. A tensor that several modules share is written
/// once, under its first name.
/// @throws FileError if it cannot be written; what stood there before still does
/// @throws std::invalid_argument if a tensor has a type that the format lacks
void save_checkpoint(const torch::nn::Module& module, const std::filesystem::path& path,
                     const Description& description);

/// What a checkpoint says of itself; of a file from elsewhere, what metadata it has.
/// @throws FileError if it cannot be read or is damaged
Description description_in(const std::filesystem::path& path);

/// Puts a checkpoint's tensors into a module, on whatever device it is.
///
/// Names, shapes and dtypes must be the module's, and what the file says of itself must not
/// contradict the description. Files from elsewhere, as Python writes them, have neither version
/// nor checksum; of a file with one of these, both are checked.
/// @returns the description in the file
/// @throws FileError listing every mismatch, or saying how the file is damaged; the module is
///   unchanged then
Description load_checkpoint(torch::nn::Module& module, const std::filesystem::path& path,
                            const Description& description);

}  // namespace layerwise
