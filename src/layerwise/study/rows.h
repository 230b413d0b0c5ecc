#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace layerwise::study {

/// The items between the commas of a text; the text itself if it has no comma.
std::vector<std::string> cut_at_commas(const std::string& text);

/// The rows of a CSV file of a run, each split at its commas.
/// @throws report::Failure if the file cannot be read, has another header, or a row is incomplete
std::vector<std::vector<std::string>> read_rows(const std::filesystem::path& path,
                                                const std::string& header);

}  // namespace layerwise::study
