#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "layerwise/report/page.h"

namespace layerwise::apps {

/// What the index says about the finished run in a folder: from its run.json and results.json.
/// @param index the file of the index, to which the link is relative
/// @throws report::Failure if the folder holds no finished run, or its files are damaged
report::IndexEntry entry_of(const std::filesystem::path& folder,
                            const std::filesystem::path& index);

/// The same as lines of at most 80 characters: of each run its title, its first values beside the
/// published ones, and how many claims got which verdict.
std::string summary_of(const std::vector<report::IndexEntry>& entries);

}  // namespace layerwise::apps
