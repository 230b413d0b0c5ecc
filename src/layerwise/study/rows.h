#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace layerwise::study {

/// What stands between the commas of a text; itself, if it has none.
std::vector<std::string> cut_at_commas(const std::string& text);

/// The rows of a table that a run left, each cut at its commas.
/// @throws report::Failure if it has another header, or a row is not whole
std::vector<std::vector<std::string>> read_rows(const std::filesystem::path& path,
                                                const std::string& header);

}  // namespace layerwise::study
