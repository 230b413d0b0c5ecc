#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace layerwise {

/// The content of an IDX file: unsigned bytes in one or more dimensions.
struct IdxArray {
  std::vector<int64_t> shape;
  std::vector<uint8_t> values;  ///< in row order
};

/// Reads an IDX file, the format of MNIST, uncompressed or compressed by gzip (as a single member).
///
/// The header is checked against the content before anything of the size in the header is
/// allocated.
/// @param dimensions 1 for labels, 3 for images [count, rows, columns]
/// @param name of the file, for errors
/// @throws FileError naming the file, the field, what was found and what was expected: magic
///   number, type, dimensions, sizes (none is 0) and length
/// @see LeCun, Cortes and Burges, "The MNIST database", "File formats"
IdxArray parse_idx(std::string_view content, int dimensions, const std::string& name);

/// `parse_idx` of a file. @throws FileError also if it cannot be read
IdxArray read_idx(const std::filesystem::path& path, int dimensions);

}  // namespace layerwise
