#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace layerwise {

/// A tensor in a safetensors file.
struct StoredTensor {
  std::string name;
  std::string dtype;  ///< e.g. "F32"
  std::vector<int64_t> shape;
  std::string_view data;  ///< little-endian, in row order; not owned
};

/// The content of a safetensors file.
struct Safetensors {
  std::vector<StoredTensor> tensors;
  std::map<std::string, std::string> metadata;  ///< "__metadata__"
};

/// Reads the safetensors format: the length of the header in 8 bytes, a JSON header, and the bytes
/// of the tensors one after another.
///
/// No tensor is copied: `content` must outlive the result.
/// @param name of the file, for errors
/// @throws FileError if a length, the header, a type, a shape or an offset is invalid, or if the
///   tensors overlap, leave a gap, or do not end where the file ends
/// @see github.com/huggingface/safetensors, "Format"
Safetensors parse_safetensors(std::string_view content, const std::string& name);

/// The content of a safetensors file with these tensors, in this order.
std::string serialise_safetensors(const Safetensors& file);

}  // namespace layerwise
