#pragma once

#include <algorithm>
#include <cstdint>
#include <functional>
#include <optional>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include "layerwise/study/rows.h"
#include "layerwise/study/settings.h"

namespace layerwise::apps {

using namespace study;  // the programs are written in its words

/// Options that contradict each other or have no effect. The program exits with status 2.
class UsageError : public std::runtime_error {
 public:
  UsageError(const std::string& what, std::string hint)
      : std::runtime_error(what), hint_(std::move(hint)) {}
  const std::string& hint() const { return hint_; }

 private:
  std::string hint_;
};

constexpr int64_t most = int64_t{1} << 40;
/// Upper bound for numbers that are multiplied with float32 weights.
constexpr double largest_number = 1e38;

/// How a value is converted from and to its text on the command line.
template <typename Value>
struct Spelling {
  /// What is wrong with a text; empty if it can be read.
  std::function<std::string(const std::string&)> fault;
  /// The value of a text without fault.
  std::function<Value(const std::string&)> read;
  std::function<std::string(const Value&)> write;
};

/// Integers within bounds.
Spelling<int64_t> whole_number(int64_t min, int64_t max);
/// Numbers of bytes: `2GB`, `500MB` or `auto`, which is 0.
Spelling<int64_t> byte_count();
/// Finite numbers from `min` (excluded if `open`) to below `max`.
Spelling<double> finite_number(double min, bool open, double max);
/// Names of files and folders. A text that looks like an option is rejected.
CLI::Validator file_name();

/// Values that are selected by their names.
template <typename Value>
Spelling<Value> one_of(const std::vector<std::pair<std::string, Value>>& values) {
  const auto named = [values](const std::string& name) -> std::optional<Value> {
    for (const auto& [known, value] : values)
      if (known == name) return value;
    return std::nullopt;
  };
  return {[values, named](const std::string& text) -> std::string {
            if (named(text)) return {};
            std::vector<std::string> names;
            for (const auto& value : values) names.push_back(value.first);
            return fmt::format("'{}' is not one of: {}", text, fmt::join(names, ", "));
          },
          [named](const std::string& text) { return *named(text); },
          [values](const Value& value) {
            return std::find_if(values.begin(), values.end(),
                                [&](const auto& other) { return other.second == value; })
                ->first;
          }};
}
/// Names that are themselves the values.
std::vector<std::pair<std::string, std::string>> with_themselves(
    const std::vector<std::string>& names);
/// The values of an enumeration of the library, with their names.
template <typename Value>
std::vector<std::pair<std::string, Value>> with_values(const std::vector<std::string>& names,
                                                       Value (*value_of)(const std::string&)) {
  std::vector<std::pair<std::string, Value>> values;
  for (const auto& name : names) values.emplace_back(name, value_of(name));
  return values;
}

/// A comma-separated list.
template <typename Value>
Spelling<std::vector<Value>> list_of(const Spelling<Value>& item, size_t min_items = 1) {
  return {[=](const std::string& text) -> std::string {
            const auto items = study::cut_at_commas(text);
            if (items.size() < min_items)
              return fmt::format("'{}' lists fewer than the {} numbers needed, as 784,300", text,
                                 min_items);
            for (const auto& value : items)
              if (const auto fault = item.fault(value); !fault.empty()) return fault;
            return {};
          },
          [=](const std::string& text) {
            std::vector<Value> values;
            for (const auto& value : study::cut_at_commas(text)) values.push_back(item.read(value));
            return values;
          },
          [=](const std::vector<Value>& values) {
            std::vector<std::string> texts;
            for (const auto& value : values) texts.push_back(item.write(value));
            return fmt::format("{}", fmt::join(texts, ","));
          }};
}

/// A value, or `off`.
template <typename Value>
Spelling<std::optional<Value>> or_off(const Spelling<Value>& spelling) {
  return {
      [=](const std::string& text) { return text == "off" ? std::string() : spelling.fault(text); },
      [=](const std::string& text) {
        return text == "off" ? std::optional<Value>() : spelling.read(text);
      },
      [=](const std::optional<Value>& value) {
        return value ? spelling.write(*value) : std::string("off");
      }};
}

/// The type names of options for CLI11; run.json holds the values with these types.
namespace type {
constexpr auto integer = "INT";
constexpr auto number = "FLOAT";
constexpr auto path = "PATH";
constexpr auto text = "TEXT";

template <typename Value>
struct Of {
  static constexpr auto name = std::is_same_v<Value, int64_t>  ? integer
                               : std::is_same_v<Value, double> ? number
                                                               : text;
};
template <typename Value>
struct Of<std::vector<Value>> : Of<Value> {};
template <typename Value>
struct Of<std::optional<Value>> : Of<Value> {};
}  // namespace type

/// Adds an option whose help shows its default: `SHOWN [DEFAULT]`.
template <typename Value>
CLI::Option* add_value(CLI::App& app, const std::string& name, Value& value,
                       const Spelling<Value>& spelling, const std::string& description,
                       const std::string& shown) {
  const auto by_default = spelling.write(value);
  return app
      .add_option_function<std::string>(
          name, [&value, read = spelling.read](const std::string& text) { value = read(text); },
          description)
      ->check(CLI::Validator(spelling.fault, ""))
      ->type_name(type::Of<Value>::name)
      ->default_str(by_default)
      ->option_text(fmt::format("{} [{}]", shown, by_default));
}
/// Adds an option for one of several values.
template <typename Value>
CLI::Option* add_choice(CLI::App& app, const std::string& name, Value& value,
                        const std::vector<std::pair<std::string, Value>>& values,
                        const std::string& description) {
  std::vector<std::string> names;
  for (const auto& choice : values) names.push_back(choice.first);
  return add_value(app, name, value, one_of(values), description,
                   fmt::format("{}", fmt::join(names, "|")));
}
/// Adds an option for an integer within bounds.
CLI::Option* add_count(CLI::App& app, const std::string& name, int64_t& value,
                       const std::string& description, int64_t min = 1, int64_t max = most);
/// Adds an option for a finite number from `min` (excluded if `open`) to below `max`.
CLI::Option* add_number(CLI::App& app, const std::string& name, double& value,
                        const std::string& description, double min, bool open, double max);
/// Adds a flag, `--NAME`; a flag that is on by default is switched off by `--NAME=off`.
CLI::Option* add_switch(CLI::App& app, const std::string& name, bool& value,
                        const std::string& description);
/// Adds an option for any text.
/// @param shown what --help calls it, e.g. `NAME`
CLI::Option* add_text(CLI::App& app, const std::string& name, std::string& value,
                      const std::string& description, const std::string& shown);
/// Adds an option for the name of a file or folder. A resumed run finds it from any folder.
CLI::Option* add_path(CLI::App& app, const std::string& name, std::string& value,
                      const std::string& description, const std::string& shown);

/// The settings of a study as options. Every program has them.
struct RunOptions : study::Settings {
  std::string resumed = {};  ///< the folder of the run that this one goes on with

  void add_to(CLI::App& app);
  /// Sets `threads`, if it was not given: on the CPU, as many as there are cores, but no more than
  /// repeats; elsewhere 1.
  /// @throws UsageError if a combination is refused
  void check();
  /// Sets what the cache of features needs to know of the run.
  void settle_cache();

  /// The command line that these options are part of.
  const CLI::App& app() const { return *app_; }
  /// Whether an option was given.
  bool given(const std::string& name) const { return app_->get_option(name)->count() > 0; }
  /// Rejects an option that was given, if `refused`.
  /// @param why e.g. "has no effect with Adam"
  /// @throws UsageError
  void refuse_if(bool refused, const std::string& name, const std::string& why,
                 const std::string& hint) const;
  /// Refuses a list with more items than there are phases, if it was given.
  /// @throws UsageError
  template <typename Value>
  void refuse_longer(const std::string& name, const std::vector<Value>& list, int64_t phases) const;

 private:
  void choose_threads();

  CLI::App* app_ = nullptr;
  std::string resume_;
};

template <typename Value>
void RunOptions::refuse_longer(const std::string& name, const std::vector<Value>& list,
                               int64_t phases) const {
  if (static_cast<int64_t>(list.size()) <= phases || !given(name)) return;
  throw UsageError(fmt::format("{} {} has {} values for {} phase{}", name,
                               app_->get_option(name)->results().back(), list.size(), phases,
                               phases == 1 ? "" : "s"),
                   "give one for all phases, or one for each");
}

/// The smallest difference of accuracies that matters in a verdict, as an option.
struct Margin {
  double value = 0.005;
  void add_to(CLI::App& app);
};

/// Every option with its value, given or default: (name without dashes, value).
std::vector<std::pair<std::string, study::OptionValue>> all_options(const CLI::App& app);

/// The options of these groups that were given a value other than their default, as they were
/// given.
std::vector<std::string> options_changed(const CLI::App& app,
                                         const std::vector<std::string>& groups,
                                         const std::vector<std::string>& except);

}  // namespace layerwise::apps
