#pragma once

#include <filesystem>
#include <map>
#include <string>

#include <torch/nn/module.h>

namespace layerwise {

/// The description of a model as keys and texts: `{"units", "784,300,150"}`, `{"activation",
/// "elu"}`.
using Description = std::map<std::string, std::string>;

/// Saves a module's parameters and buffers as a safetensors file, completely or not at all.
///
/// The metadata of the file hold the description, the layers of a `GreedyNet` or a
/// `StackedAutoencoder` (see `layers_json`), the version of the format, and a CRC-32 of these and
/// the tensors. Python reads the file with `safetensors.torch.load_file`. A tensor that several
/// modules share is written once, under its first name.
/// @throws FileError if the file cannot be written; an existing file is then unchanged
/// @throws std::invalid_argument if a tensor has a dtype that the format lacks
void save_checkpoint(const torch::nn::Module& module, const std::filesystem::path& path,
                     const Description& description);

/// The description in a checkpoint; for files from other programs, their metadata.
/// @throws FileError if the file cannot be read or is damaged
Description description_in(const std::filesystem::path& path);

/// Loads a checkpoint's tensors into a module, on any device.
///
/// Names, shapes and dtypes must be those of the module, and the description in the file must not
/// contradict `description`. Files from other programs, such as Python, have neither version nor
/// checksum; if a file has one of these, both are checked.
/// @returns the description in the file
/// @throws FileError listing every mismatch, or saying how the file is damaged; the module is then
///   unchanged
Description load_checkpoint(torch::nn::Module& module, const std::filesystem::path& path,
                            const Description& description);

}  // namespace layerwise
