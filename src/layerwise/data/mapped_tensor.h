#pragma once

#include <filesystem>

#include <torch/types.h>

namespace layerwise {

/// An uninitialized tensor of the CPU in a memory-mapped file. The file loses its name at once, so
/// that it is gone when the tensor is, however the program ends.
/// @throws FileError if the file cannot be made, for example because the disk is full
torch::Tensor mapped_tensor(const std::filesystem::path& folder, torch::IntArrayRef shape,
                            torch::ScalarType type);

/// Takes what was read or written of such a tensor out of the process's memory; the system keeps it
/// while it has room. Does nothing for other tensors.
void release_pages(const torch::Tensor& tensor);

}  // namespace layerwise
