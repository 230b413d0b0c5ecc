#pragma once

#include <functional>
#include <string>
#include <string_view>

namespace layerwise {

/// Whether the content begins like a gzip file.
bool is_gzip(std::string_view content);

/// Decompresses a gzip file piece by piece, so that no allocation depends on its decompressed size.
/// @param visit called with each piece; decompression ends early when it returns false
/// @param name of the file, for errors
/// @throws FileError if the data are damaged (zlib checks their CRC-32 and length), cut short, or
///   followed by something else
void decompress_gzip(std::string_view content, const std::string& name,
                     const std::function<bool(std::string_view)>& visit);

}  // namespace layerwise
