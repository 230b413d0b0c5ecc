#pragma once

#include <filesystem>
#include <regex>
#include <string>
#include <vector>

#include <torch/nn/module.h>

#include "layerwise/train/checkpoint.h"

namespace layerwise::apps {

/// `save_checkpoint` into a run's folder. @throws report::Failure if it cannot be written
void save_in_run(const torch::nn::Module& module, const std::filesystem::path& path,
                 const Description& description);
/// `load_checkpoint`. @throws report::Failure with this hint if it cannot be read or does not fit
void load_in_run(torch::nn::Module& module, const std::filesystem::path& path,
                 const Description& description, const std::string& hint);

/// The names of the files in a folder that match as a whole; none if there is no such folder.
std::vector<std::string> files_named(const std::filesystem::path& folder, const std::regex& name);

}  // namespace layerwise::apps
