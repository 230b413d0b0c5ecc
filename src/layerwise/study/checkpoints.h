#pragma once

#include <filesystem>
#include <regex>
#include <string>
#include <vector>

#include <torch/nn/module.h>

#include "layerwise/random.h"
#include "layerwise/train/checkpoint.h"

namespace layerwise::study {

/// `save_checkpoint` into a run's folder. @throws report::Failure if it cannot be written
void save_in_run(const torch::nn::Module& module, const std::filesystem::path& path,
                 const Description& description);
/// `load_checkpoint`. @throws report::Failure with this hint if the file cannot be read or does not
/// fit
/// @returns the description in the file
Description load_in_run(torch::nn::Module& module, const std::filesystem::path& path,
                        const Description& description, const std::string& hint);

/// Adds to a description what is needed to continue a training: the state of the random streams,
/// and the number of steps that its stages took.
Description with_progress(Description description, const Random& random, int64_t steps);
/// Restores the random streams from the description of a checkpoint.
/// @returns the number of steps that its stages took
/// @throws report::Failure with this hint if the description lacks these or they are invalid
int64_t take_progress(const Description& description, const std::filesystem::path& path,
                      const std::string& hint, Random& random);

/// The names of the files in a folder that match the expression completely; none if there is no
/// such folder.
std::vector<std::string> files_named(const std::filesystem::path& folder, const std::regex& name);

}  // namespace layerwise::study
