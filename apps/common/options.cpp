#include "common/options.h"

#include <array>
#include <cctype>
#include <charconv>
#include <cmath>
#include <cstdlib>

#include "layerwise/device.h"
#include "layerwise/engines/engines.h"
#include "layerwise/engines/precision.h"
#include "layerwise/report/run_folder.h"
#include "layerwise/study/repeats.h"

namespace layerwise::apps {

namespace {

std::optional<double> as_number(const std::string& text) {
  char* end = nullptr;
  const double value = std::strtod(text.c_str(), &end);
  const bool whole = !text.empty() && std::isspace(static_cast<unsigned char>(text[0])) == 0;
  return whole && *end == '\0' ? std::optional(value) : std::nullopt;
}

std::optional<int64_t> as_whole_number(const std::string& text) {
  int64_t number = 0;
  const auto* end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, number);
  return error == std::errc() && stop == end ? std::optional(number) : std::nullopt;
}

constexpr auto automatic = "auto";

/// The number of bytes in a text such as `2GB`, at least one.
std::optional<int64_t> bytes_in(const std::string& text) {
  const auto unit = std::min(text.find_first_not_of("0123456789."), text.size());
  const auto number = as_number(text.substr(0, unit));
  constexpr auto units = std::to_array<std::pair<const char*, double>>(
      {{"", 1}, {"B", 1}, {"KB", 1e3}, {"MB", 1e6}, {"GB", 1e9}, {"TB", 1e12}});
  for (const auto& [name, bytes] : units) {
    if (text.substr(unit) == name && number && *number * bytes >= 1 && *number * bytes < most)
      return static_cast<int64_t>(*number * bytes);
  }
  return std::nullopt;
}

bool same_value(const std::string& a, const std::string& b) {
  const auto x = as_number(a);
  const auto y = as_number(b);
  return a == b || (x && y && *x == *y);
}

/// A number, or a list of numbers; the text itself if it is neither.
template <typename Number>
study::OptionValue numbers_in(const std::string& text,
                              std::optional<Number> (*read)(const std::string&)) {
  std::vector<Number> numbers;
  for (const auto& item : study::cut_at_commas(text)) {
    const auto number = read(item);
    if (!number) return text;
    numbers.push_back(*number);
  }
  if (numbers.size() == 1) return numbers.front();
  return numbers;
}

bool is_flag(const CLI::Option& option) {
  return option.get_expected_max() == 0;
}

std::string text_of(const CLI::Option& option) {
  if (option.count() == 0) return option.get_default_str();
  if (is_flag(option)) return option.results().back();
  return fmt::format("{}", fmt::join(option.results(), ","));
}

study::OptionValue typed_value(const CLI::Option& option) {
  const auto text = text_of(option);
  if (is_flag(option))
    return option.count() > 0 ? CLI::detail::to_flag_value(text) > 0 : text == "true";
  const bool bare =
      option.get_expected_min() == 0 && text.empty();  // without the value it may have
  if (bare) return option.count() > 0;
  if (option.get_type_name() == type::integer) return numbers_in(text, as_whole_number);
  if (option.get_type_name() == type::number) return numbers_in(text, as_number);
  return text;
}

constexpr int64_t most_repeats = 1000000;

/// What is wrong with the text of --repeats; empty if nothing is.
std::string fault_of_repeats(const std::string& text) {
  const auto colon = text.find(':');
  if (colon == std::string::npos) return whole_number(1, most_repeats).fault(text);
  const auto first = text.substr(0, colon);
  const auto end = text.substr(colon + 1);
  auto fault = whole_number(0, most_repeats - 1).fault(first);
  if (fault.empty()) fault = whole_number(1, most_repeats).fault(end);
  if (fault.empty() && *as_whole_number(first) >= *as_whole_number(end))
    fault = fmt::format("'{}' holds no repeat: A:B is A, ..., B - 1", text);
  return fault;
}

/// Sets the repeats to those of a text without fault.
void take_repeats(const std::string& text, study::Settings& settings) {
  const auto colon = text.find(':');
  settings.shard = colon != std::string::npos;
  settings.first_repeat = settings.shard ? *as_whole_number(text.substr(0, colon)) : 0;
  settings.repeats =
      *as_whole_number(settings.shard ? text.substr(colon + 1) : text) - settings.first_repeat;
}

}  // namespace

Spelling<int64_t> whole_number(int64_t min, int64_t max) {
  return {[=](const std::string& text) -> std::string {
            const auto number = as_whole_number(text);
            const bool octal = text.size() > 1 && text[0] == '0';  // to some, not to a person
            if (number && !octal && *number >= min && *number <= max) return {};
            return fmt::format("'{}' is not a whole number from {} to {}", text, min, max);
          },
          [](const std::string& text) { return *as_whole_number(text); },
          [](const int64_t& value) { return fmt::format("{}", value); }};
}

Spelling<double> finite_number(double min, bool open, double max) {
  return {[=](const std::string& text) -> std::string {
            const auto number = as_number(text);
            if (number && std::isfinite(*number) && (open ? *number > min : *number >= min) &&
                *number < max)
              return {};
            return fmt::format("'{}' is not a number {} {}{}", text, open ? "above" : "from", min,
                               std::isinf(max) ? "" : fmt::format(" and below {}", max));
          },
          [](const std::string& text) { return *as_number(text); },
          [](const double& value) { return fmt::format("{}", value); }};
}

std::vector<std::pair<std::string, std::string>> with_themselves(
    const std::vector<std::string>& names) {
  std::vector<std::pair<std::string, std::string>> values;
  for (const auto& name : names) values.emplace_back(name, name);
  return values;
}

Spelling<int64_t> byte_count() {
  return {[](const std::string& text) {
            return text == automatic || bytes_in(text)
                       ? std::string()
                       : fmt::format("'{}' is no size, as 2GB or 500MB, and not auto", text);
          },
          [](const std::string& text) { return text == automatic ? 0 : *bytes_in(text); },
          [](const int64_t& bytes) {
            return bytes == 0 ? std::string(automatic) : fmt::format("{}B", bytes);
          }};
}

CLI::Validator file_name() {
  const auto plausible = [](const std::string& text) -> std::string {
    if (text.empty()) return "the name is empty";
    if (text[0] == '-') return fmt::format("'{0}' looks like an option; a name may be ./{0}", text);
    return {};
  };
  return CLI::Validator(plausible, "");
}

CLI::Option* add_count(CLI::App& app, const std::string& name, int64_t& value,
                       const std::string& description, int64_t min, int64_t max) {
  return add_value(app, name, value, whole_number(min, max), description, "N");
}

CLI::Option* add_number(CLI::App& app, const std::string& name, double& value,
                        const std::string& description, double min, bool open, double max) {
  return add_value(app, name, value, finite_number(min, open, max), description, "X");
}

CLI::Option* add_switch(CLI::App& app, const std::string& name, bool& value,
                        const std::string& description) {
  const bool on = value;
  return app.add_flag(name, value, description)
      ->default_str(on ? "true" : "false")
      ->option_text(on ? "[on; off with " + name + "=off]" : "[off]");
}

CLI::Option* add_text(CLI::App& app, const std::string& name, std::string& value,
                      const std::string& description, const std::string& shown) {
  return app.add_option(name, value, description)
      ->option_text(value.empty() ? shown : fmt::format("{} [{}]", shown, value));
}

CLI::Option* add_path(CLI::App& app, const std::string& name, std::string& value,
                      const std::string& description, const std::string& shown) {
  return app.add_option(name, value, description)
      ->check(file_name())
      ->type_name(type::path)
      ->option_text(value.empty() ? shown : fmt::format("{} [{}]", shown, value));
}

void RunOptions::add_to(CLI::App& app) {
  app_ = &app;
  const auto* group = "Run";
  app.add_option("--device", device,
                 "auto (CUDA if there is a GPU that it can use, else the CPU), cpu, cuda, cuda:N, "
                 "or another device of LibTorch")
      ->capture_default_str()
      ->option_text("NAME [auto]")
      ->group(group);
  add_count(app, "--seed", seed, "Seed of all random numbers except the data's", 0, 4294967295)
      ->group(group);
  app.add_option_function<std::string>(
         "--repeats", [this](const std::string& text) { take_repeats(text, *this); },
         "Repeats of the experiment, each with random streams of its own; A:B is a part of a study "
         "for layerwise_merge: its repeats A, ..., B - 1")
      ->check(CLI::Validator(fault_of_repeats, ""))
      ->type_name(type::integer)
      ->default_str(fmt::format("{}", repeats))
      ->option_text(fmt::format("N|A:B [{}]", repeats))
      ->group(group);
  add_count(app, "--threads", threads, "Repeats that run at once", 1, 4096)
      ->option_text("N [all cores on the CPU, 1 on other devices]")
      ->group(group);
  add_count(app, "--math-threads", math_threads,
            "Threads inside one operation; may change the last bits", 1, 4096)
      ->group(group);
  add_choice(app, "--engine", engine.kind, with_values(engine_names(), engine_named),
             "What takes the steps: auto is the fastest that can, and says which and why")
      ->group(group);
  add_choice(
      app, "--precision", engine.precision, with_values(precision_names(), precision_named),
      "What products and convolutions round their factors to: tf32 on CUDA alone; weights and sums "
      "stay float32")
      ->group(group);
  add_choice(app, "--cache", engine.cache.place,
             with_values(cache_place_names(), cache_place_named),
             "Where the output of frozen blocks is kept: auto is the first that has room, of "
             "device, memory, file; none runs them for every batch")
      ->group(group);
  add_value(app, "--cache-budget", engine.cache.budget, byte_count(),
            "Memory for that, on the device and on the CPU each: 2GB, 500MB; auto is half of what "
            "is free. Data that take more stay in the CPU's memory, unless --cache is device, and "
            "batches are copied",
            "SIZE")
      ->group(group);
  add_choice(app, "--cache-precision", engine.cache.precision,
             with_values(cache_precision_names(), cache_precision_named),
             "In what it is kept; bf16 takes half the memory and rounds, auto rounds only where "
             "fp32 has no room in memory")
      ->group(group);
  app.add_option("--out", out, "Folder to write to")
      ->check(file_name())
      ->option_text("DIR [runs/PROGRAM-SEED-TIME]")
      ->group(group);
  using Choices = std::vector<std::pair<std::string, Curves>>;
  const bool mean = curves == Curves::mean;
  add_choice(app, "--curves", curves,
             mean ? Choices{{"mean", Curves::mean}, {"all", Curves::all}}
                  : Choices{{"first", Curves::first}, {"all", Curves::all}},
             mean ? "Rows of curves.csv: means and intervals over the repeats, or all repeats"
                  : "Rows of curves.csv: those of repeat 0, or of all repeats")
      ->group(group);
  app.add_option("--resume", resume_, "Go on with the run in this folder, with its options")
      ->check(file_name())
      ->option_text("DIR")
      ->configurable(false)
      ->group(group);
  app.add_flag("--force", force, "Write over the run that --out holds")->group(group);
  app.add_flag("--quiet", quiet, "No progress on stderr")->group(group);
}

void RunOptions::check() {
  try {
    find_device(device);
    choose_threads();
    engine.device = find_device(device_for_repeats());
    const auto fault = why_not_in(engine.precision, *engine.device);
    if (!fault.empty())
      throw UsageError(fmt::format("--precision {}: {}", name_of(engine.precision), fault),
                       "leave it out, or name another --device");
  } catch (const std::invalid_argument& error) {
    throw UsageError(error.what(), "see --help");
  }
  if (threads > repeats) {
    throw UsageError(fmt::format("--threads {} with --repeats {}", threads, repeats),
                     "--threads is how many repeats run at once; for threads inside one operation "
                     "use --math-threads");
  }
  if (curves == Curves::all && !has_several_repeats()) {
    throw UsageError("--curves all with a single repeat",
                     "leave it out, or ask for several with --repeats");
  }
  const auto* margin = app_->get_option_no_throw("--margin");
  if (margin != nullptr && margin->count() > 0 && !has_several_repeats()) {
    throw UsageError("--margin with a single repeat",
                     "leave it out, or ask for several with --repeats: one decides nothing");
  }
  const bool placed = engine.cache.place != CachePlace::automatic;
  const bool budget_decides = !engine.device->is_cpu() && engine.cache.place != CachePlace::device;
  refuse_if(placed && !budget_decides, "--cache-budget",
            "with --cache, which leaves it nothing to decide", "leave out one of them");
  refuse_if(engine.cache.place == CachePlace::none, "--cache-precision",
            "with --cache none, which keeps nothing", "leave out one of them");
  if (force && out.empty()) {
    throw UsageError("--force without --out",
                     "without --out every run has a new folder, and nothing to write over");
  }
  if (device.rfind("cuda", 0) == 0 && threads > 1) {
    throw UsageError(fmt::format("--threads {} with --device {}", threads, device),
                     "on CUDA repeats run one after another; --device cpu runs several at once");
  }
}

void RunOptions::settle_cache() {
  engine.cache.fits_at_once = threads;
  const auto& own = resumed.empty() ? out : resumed;
  engine.cache.folder = own.empty() ? report::runs_folder : own;
}

void RunOptions::choose_threads() {
  if (given("--threads")) return;
  const bool on_cpu = device == "auto" || find_device(device).is_cpu();
  threads = on_cpu ? std::min(usable_cores(), repeats) : 1;
  app_->get_option("--threads")->default_str(fmt::format("{}", threads));
}

void RunOptions::refuse_if(bool refused, const std::string& name, const std::string& why,
                           const std::string& hint) const {
  if (refused && given(name)) throw UsageError(fmt::format("{} {}", name, why), hint);
}

void Margin::add_to(CLI::App& app) {
  add_number(app, "--margin", value, "Smallest difference of accuracies that matters in a verdict",
             0, true, 1)
      ->group("Run");
}

std::vector<std::pair<std::string, study::OptionValue>> all_options(const CLI::App& app) {
  std::vector<std::pair<std::string, study::OptionValue>> values;
  for (const auto* option : app.get_options()) {
    if (option->get_configurable() && option != app.get_help_ptr() &&
        option != app.get_version_ptr())
      values.emplace_back(option->get_single_name(), typed_value(*option));
  }
  return values;
}

std::vector<std::string> options_changed(const CLI::App& app,
                                         const std::vector<std::string>& groups,
                                         const std::vector<std::string>& except) {
  const auto contains = [](const std::vector<std::string>& names, const std::string& name) {
    return std::find(names.begin(), names.end(), name) != names.end();
  };
  std::vector<std::string> changed;
  for (const auto* option : app.get_options()) {
    const bool meant =
        contains(groups, option->get_group()) && !contains(except, option->get_name());
    if (!meant || option->count() == 0) continue;
    const auto text = text_of(*option);
    if (is_flag(*option)) {  // however it was written
      const bool on = CLI::detail::to_flag_value(text) > 0;
      if (on == (option->get_default_str() == "true")) continue;
      changed.push_back(option->get_name() + (on ? "" : "=off"));
    } else if (!same_value(text, option->get_default_str())) {
      changed.push_back(option->get_name() + " " + text);
    }
  }
  return changed;
}

}  // namespace layerwise::apps
