#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include <CLI/CLI.hpp>

#include "layerwise/train/engine_options.h"

namespace layerwise::apps {

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

/// What must come before the options are known; goes wrong in the same way, and gives 0 if it does
/// not.
int prepare_program(const std::function<void()>& preparation);

/// Options that every app has.
struct RunOptions {
  std::string device = "auto";
  int64_t seed = 1;
  int64_t repeats = 1;
  int64_t threads = 1;
  int64_t math_threads = 1;
  std::string engine = "auto";
  std::string precision = "fp32";
  std::string out;
  bool force = false;
  bool quiet = false;
  /// Whose curves curves.csv holds: those of repeat 0, the means and intervals over the repeats, or
  /// those of every repeat.
  enum class Curves { first, mean, all };
  Curves curves = Curves::first;

  void add_to(CLI::App& app);
  /// @throws UsageError if a combination is refused
  void check() const;
  /// `device`; several repeats at once are a matter of the CPU, unless something else is asked for.
  std::string device_for_repeats() const;
  EngineOptions engine_options() const;
};

constexpr int64_t most = int64_t{1} << 40;
constexpr double largest_number = 1e38;  ///< that float32 weights can be multiplied with

/// What stands between the commas of a text; itself, if it has none.
std::vector<std::string> cut_at_commas(const std::string& text);
/// Accepts names of files and folders; not what looks like the next option.
CLI::Validator file_name();
/// Accepts whole numbers within bounds.
CLI::Validator whole_number(int64_t min, int64_t max);
/// An option for a whole number within bounds, with its default shown.
CLI::Option* add_count(CLI::App& app, const std::string& name, int64_t& value,
                       const std::string& description, int64_t min = 1, int64_t max = most);
/// An option that is one of some words, with its default shown.
CLI::Option* add_choice(CLI::App& app, const std::string& name, std::string& value,
                        const std::vector<std::string>& choices, const std::string& description);
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

/// How a program was started.
struct CommandLine {
  std::string text;                    ///< as one would type it again
  std::vector<std::string> arguments;  ///< without the program's name
  std::string resumed;                 ///< the folder of the run that goes on; mostly empty
};
CommandLine command_line(int argc, char** argv);

/// The value that an option is given, before the options are parsed: the last, if there are
/// several.
std::optional<std::string> value_on_command_line(const std::vector<std::string>& arguments,
                                                 const std::string& name);

}  // namespace layerwise::apps
