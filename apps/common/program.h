#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include <CLI/CLI.hpp>

#include "layerwise/study/rows.h"
#include "layerwise/study/study.h"

namespace layerwise::apps {

using namespace study;  // the programs are written in its words

/// Options that contradict each other or have no effect. The program ends with status 2.
class UsageError : public std::runtime_error {
 public:
  UsageError(const std::string& what, std::string hint)
      : std::runtime_error(what), hint_(std::move(hint)) {}
  const std::string& hint() const { return hint_; }

 private:
  std::string hint_;
};

/// Parses the command line and runs the body. Whatever goes wrong becomes two lines on stderr,
/// `error: ...` and `hint: ...`, and the exit status: 2 for usage, 1 for a failure, 128 + n after
/// signal n.
int run_program(CLI::App& app, const std::vector<std::string>& arguments,
                const std::function<void()>& body);

/// What a program is called and does, and the options of its own, if it has any.
struct About {
  std::string name;
  std::string description;
  std::function<void(CLI::App&)> add_options = {};
};
/// A whole program: parses the command line, `--resume` included, and runs the study.
/// @param make is called with the options' values
/// @returns the exit status, as above
int run_program(int argc, char** argv, const About& about,
                const std::function<study::Study(const study::Settings&)>& make);

/// What must come before the options are known; goes wrong in the same way, and gives 0 if it does
/// not.
int prepare_program(const std::function<void()>& preparation);

/// The settings of a study as options, which every app has.
struct RunOptions : study::Settings {
  void add_to(CLI::App& app);
  /// @throws UsageError if a combination is refused
  void check() const;

 private:
  std::string resume_;
};

constexpr int64_t most = int64_t{1} << 40;
constexpr double largest_number = 1e38;  ///< that float32 weights can be multiplied with

/// Accepts names of files and folders; not what looks like the next option.
CLI::Validator file_name();
/// Accepts whole numbers within bounds.
CLI::Validator whole_number(int64_t min, int64_t max);
/// An option for a whole number within bounds, with its default shown.
CLI::Option* add_count(CLI::App& app, const std::string& name, int64_t& value,
                       const std::string& description, int64_t min = 1, int64_t max = most);
/// Accepts one of some words.
CLI::Validator one_of(const std::vector<std::string>& choices);
/// What help shows of them: `a|b [a]`.
std::string choice_text(const std::vector<std::string>& choices, const std::string& value);
/// An option that is one of some words, with its default shown.
CLI::Option* add_choice(CLI::App& app, const std::string& name, std::string& value,
                        const std::vector<std::string>& choices, const std::string& description);
/// The same for an enumeration.
/// @param value_of finds the value with a name
template <typename Value>
CLI::Option* add_choice(CLI::App& app, const std::string& name, Value& value,
                        const std::vector<std::string>& choices,
                        Value (*value_of)(const std::string&), const std::string& description) {
  const std::string shown = name_of(value);
  return app
      .add_option_function<std::string>(
          name, [&value, value_of](const std::string& text) { value = value_of(text); },
          description)
      ->check(one_of(choices))
      ->default_str(shown)
      ->option_text(choice_text(choices, shown));
}
/// A flag, `--NAME`, or `--NAME=off` where it is on by default.
CLI::Option* add_switch(CLI::App& app, const std::string& name, bool& value,
                        const std::string& description);
/// Accepts finite numbers from `min` (itself not allowed if `open`) to below `max`.
CLI::Validator finite_number(double min, bool open, double max);
/// An option for a finite number, from `min` (itself not allowed if `open`) to below `max`.
CLI::Option* add_number(CLI::App& app, const std::string& name, double& value,
                        const std::string& description, double min, bool open, double max);

/// The options of these groups that were given another value than their default, as they were
/// given.
std::vector<std::string> options_changed(const CLI::App& app,
                                         const std::vector<std::string>& groups,
                                         const std::vector<std::string>& except);

/// Every option with its value, given or default: (name without dashes, value).
std::vector<std::pair<std::string, std::string>> all_options(const CLI::App& app);

/// Removes an option and its value.
void drop(std::vector<std::string>& arguments, const std::string& name);
/// Gives an option another value.
void set_option(std::vector<std::string>& arguments, const std::string& name,
                const std::string& value);

/// How a program was started.
struct CommandLine {
  std::string text;                    ///< as one would type it again
  std::vector<std::string> arguments;  ///< without the program's name
  std::string resumed;                 ///< the folder of the run that goes on; mostly empty
};
CommandLine command_line(int argc, char** argv);

/// What a run says of how it was started. The device that `auto` stands for here is written down,
/// so that whoever resumes the run takes the same.
study::Start start_of(const CLI::App& app, const CommandLine& command, const RunOptions& options);

/// The value that an option is given, before the options are parsed: the last, if there are
/// several.
std::optional<std::string> value_on_command_line(const std::vector<std::string>& arguments,
                                                 const std::string& name);

}  // namespace layerwise::apps
