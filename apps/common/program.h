#pragma once

#include <functional>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>

#include "layerwise/study/study.h"

#include "common/options.h"

namespace layerwise::apps {

/// A program: its name and description, its own options, and the study that it runs.
struct Program {
  std::string name;
  std::string description;
  std::function<void(CLI::App&)> add_options;  ///< adds the program's own options; may be empty
  /// Creates the study after the options have their values.
  /// @throws UsageError if the values do not fit together
  std::function<study::Study(const RunOptions&)> make_study;
  /// Sets defaults that depend on the arguments; called before the options are added.
  std::function<void(const std::vector<std::string>& arguments, RunOptions&)> set_defaults = {};
  /// The names of options without effect beside the values of the others, which run.json leaves
  /// out; called after `make_study`.
  std::function<std::vector<std::string>()> without_effect = {};
};

/// Parses the command line, including `--resume`, and runs the study. Every error becomes two lines
/// on stderr, `error: ...` and `hint: ...`, and an exit status: 2 for usage errors, 1 for failures,
/// 128 + n after signal n.
int run_program(int argc, char** argv, const Program& program);

/// The same for a body that is not a study.
int run_program(CLI::App& app, const std::vector<std::string>& arguments,
                const std::function<void()>& body);

}  // namespace layerwise::apps
