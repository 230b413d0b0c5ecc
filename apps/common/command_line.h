#pragma once

#include <optional>
#include <string>
#include <vector>

#include "layerwise/study/settings.h"

#include "common/options.h"

namespace layerwise::apps {

/// How a program was started.
struct CommandLine {
  std::string text;                    ///< quoted so that it can be typed again
  std::vector<std::string> arguments;  ///< without the program's name
  std::string resumed;  ///< the folder of the run that is resumed; empty for a new run
};
CommandLine command_line(int argc, char** argv);

/// Words as a command that can be typed.
std::string command_text(const std::vector<std::string>& words);

/// Removes an option and its value.
void drop_option(std::vector<std::string>& arguments, const std::string& name);
/// Replaces the value of an option, or adds it.
void set_option(std::vector<std::string>& arguments, const std::string& name,
                const std::string& value);
/// Removes what a resumed run is told anew: --out, --resume, --force and --quiet.
void drop_place(std::vector<std::string>& arguments);

/// The value of an option on the command line, before the options are parsed; the last value if
/// there are several.
std::optional<std::string> value_on_command_line(const std::vector<std::string>& arguments,
                                                 const std::string& name);

/// Whether a flag is on the command line, before the options are parsed.
bool flag_on_command_line(const std::vector<std::string>& arguments, const std::string& name);

/// Removes `--resume DIR` from a command line and uses the options of the run in that folder.
/// Without `--resume` the command line stays as it is.
/// @throws UsageError if options are given that the run did not have
/// @throws report::Failure if the folder holds no run of this program
CommandLine resumed(const CommandLine& given, const std::string& program);

/// Holds a run that is resumed to the defaults it began with: they may have changed since.
/// `--threads` is left out, whose default belongs to the machine.
/// @throws report::Failure if an option that was not given has another value now
void require_same_defaults(const CLI::App& app, const std::string& folder);

/// How a run was started, as run.json records it. The device that `auto` stands for replaces
/// `auto`, and paths become absolute, so that a resumed run uses the same device and finds its
/// files from any folder.
/// @param without_effect names of options that are left out
study::Start start_of(const CommandLine& command, const RunOptions& options,
                      const std::vector<std::string>& without_effect = {});

}  // namespace layerwise::apps
