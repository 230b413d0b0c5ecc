#pragma once

#include <cstdint>
#include <functional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include <CLI/CLI.hpp>

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
int run_program(CLI::App& app, int argc, char** argv, const std::function<void()>& body);

/// Options that every app has.
struct RunOptions {
  std::string device = "auto";
  int64_t seed = 1;
  int64_t repeats = 1;
  int64_t threads = 1;
  int64_t math_threads = 1;
  std::string out;
  bool force = false;
  bool quiet = false;

  void add_to(CLI::App& app);
  /// @throws UsageError if a combination is refused
  void check() const;
};

constexpr int64_t most = int64_t{1} << 40;

/// Accepts names of files and folders; not what looks like the next option.
CLI::Validator file_name();
/// Accepts whole numbers within bounds.
CLI::Validator whole_number(int64_t min, int64_t max);
/// An option for a whole number within bounds, with its default shown.
CLI::Option* add_count(CLI::App& app, const std::string& name, int64_t& value,
                       const std::string& description, int64_t min = 1, int64_t max = most);
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

/// The command line as one would type it again.
std::string command_line(int argc, char** argv);

}  // namespace layerwise::apps
