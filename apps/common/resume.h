#pragma once

#include "common/program.h"

namespace layerwise::apps {

/// Takes `--resume DIR` off a command line and puts the options of the run in that folder in its
/// place. Without `--resume` the command line stays as it is.
/// @throws UsageError if other options are given than the run had
/// @throws report::Failure if the folder holds no run of this program
CommandLine resumed(const CommandLine& given, const std::string& program);

}  // namespace layerwise::apps
