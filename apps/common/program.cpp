#include "common/program.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <charconv>
#include <cmath>
#include <csignal>
#include <cstdio>
#include <filesystem>
#include <new>
#include <optional>

#include <c10/util/Exception.h>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include "layerwise/device.h"
#include "layerwise/engines/engines.h"
#include "layerwise/engines/processor.h"
#include "layerwise/file.h"
#include "layerwise/report/failure.h"
#include "layerwise/report/print.h"
#include "layerwise/study/interrupt.h"

#include "common/resume.h"

namespace layerwise::apps {

namespace {

std::string first_line(const std::string& text) {
  return text.substr(0, text.find('\n'));
}

int report_error(const std::string& what, const std::string& hint, int status) {
  report::results_arrived();
  report::print_note(fmt::format("error: {}\nhint: {}\n", first_line(what), hint));
  return status;
}

/// What is opened later must not become the standard output of a program started without one.
void occupy_standard_streams() {
  for (int file = 0; file <= STDERR_FILENO; ++file) {
    if (::fcntl(file, F_GETFD) < 0) ::open("/dev/null", file == STDIN_FILENO ? O_RDONLY : O_PATH);
  }
}

void prepare_process() {
  // A full disk, a file-size limit and a closed pipe are errors of write(), and reported.
  std::signal(SIGXFSZ, SIG_IGN);
  std::signal(SIGPIPE, SIG_IGN);
  std::signal(SIGCHLD, SIG_DFL);  // whoever ignores it cannot learn how a child ended
  occupy_standard_streams();
}

/// CLI11 says of an option that is there twice: "At Most 1 required but received 2".
std::string without_jargon(const std::string& message) {
  const auto place = message.find("At Most 1 required but received");
  return place == std::string::npos ? message : message.substr(0, place) + "given more than once";
}

int results_status() {
  if (report::results_arrived()) return 0;
  return report_error("the results could not be written to standard output",
                      "see where it is directed to", 1);
}

int run_guarded(const std::function<void()>& body) {
  try {
    body();
    return results_status();
  } catch (const Interrupted& interrupted) {
    return report_error(interrupted.what(), interrupted.hint(), 128 + interrupted.signal());
  } catch (const UsageError& error) {
    return report_error(error.what(), error.hint(), 2);
  } catch (const EngineUnavailable& error) {
    return report_error(error.what(),
                        "leave out --engine and --precision, and the fastest engine that can is "
                        "taken",
                        2);
  } catch (const std::invalid_argument& error) {
    return report_error(error.what(), "see that the data, the network and the options fit", 1);
  } catch (const report::Failure& error) {
    return report_error(error.what(), error.hint(), 1);
  } catch (const DeviceUnavailable& error) {
    return report_error(error.what(), "use --device cpu, or --device auto to take what there is",
                        1);
  } catch (const FileError& error) {
    return report_error(error.what(), "see that the file is there, whole, and yours to read", 1);
  } catch (const std::bad_alloc&) {
    return report_error("out of memory", "ask for fewer units or less data", 1);
  } catch (const c10::Error& error) {
    return report_error(error.what_without_backtrace(),
                        "if memory ran out, ask for fewer units or less data", 1);
  } catch (const std::exception& error) {
    return report_error(error.what(),
                        "this should not have happened: please report it with the command line", 1);
  }
}

/// Letters that are to be changed, added or left out to make one word of the other.
size_t edit_distance(const std::string& a, const std::string& b) {
  std::vector<size_t> row(b.size() + 1);
  for (size_t j = 0; j <= b.size(); ++j) row[j] = j;
  for (size_t i = 1; i <= a.size(); ++i) {
    size_t diagonal = row[0];
    row[0] = i;
    for (size_t j = 1; j <= b.size(); ++j) {
      const auto changed = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
      diagonal = row[j];
      row[j] = std::min({row[j] + 1, row[j - 1] + 1, changed});
    }
  }
  return row.back();
}

/// The option that was probably meant by the first of these words that looks like one; empty if
/// none is near.
std::string option_like(const CLI::App& app, const std::vector<std::string>& words) {
  const auto word =
      std::find_if(words.begin(), words.end(), [](const auto& w) { return w.rfind("--", 0) == 0; });
  if (word == words.end()) return {};
  const auto wrong = word->substr(0, word->find('='));
  std::string nearest;
  size_t least = wrong.size() / 3 + 1;
  for (const auto* option : app.get_options()) {
    for (const auto& name : option->get_lnames()) {
      const auto distance = edit_distance(wrong, "--" + name);
      if (distance >= least) continue;
      least = distance;
      nearest = "--" + name;
    }
  }
  return nearest;
}

std::string version_text(const CLI::App& app) {
  const auto build = build_info();
  const auto onednn = onednn_version();
  return fmt::format("{} {}\nLibTorch {}\nBLAS {}\noneDNN {}\nCPU capability {}\nCUDA {}",
                     app.get_name(), build.layerwise, build.libtorch, build.blas,
                     onednn.empty() ? "none: LibTorch multiplies, also in bf16" : onednn,
                     build.cpu_capability, build.cuda);
}

std::optional<double> as_number(const std::string& text) {
  char* end = nullptr;
  const double value = std::strtod(text.c_str(), &end);
  const bool whole = !text.empty() && std::isspace(static_cast<unsigned char>(text[0])) == 0;
  return whole && *end == '\0' ? std::optional(value) : std::nullopt;
}

bool same_value(const std::string& a, const std::string& b) {
  const auto x = as_number(a);
  const auto y = as_number(b);
  return a == b || (x && y && *x == *y);
}

}  // namespace

int prepare_program(const std::function<void()>& preparation) {
  prepare_process();
  return run_guarded(preparation);
}

int run_program(CLI::App& app, const std::vector<std::string>& arguments,
                const std::function<void()>& body) {
  prepare_process();
  app.set_version_flag(
      "--version", [&app] { return version_text(app); },
      "Print the versions that results depend on, and exit");
  app.set_help_flag("-h,--help", "Print this help and exit");
  app.allow_config_extras(CLI::config_extras_mode::error);
  app.set_config("--config", "", "Read options from this file, lines as epochs=20 (INI or TOML)")
      ->check(file_name())
      ->option_text("FILE")
      ->group("Run");
  app.get_formatter()->column_width(34);
  const auto see_help = fmt::format("see `{} --help`", app.get_name());
  try {
    app.parse(std::vector<std::string>(arguments.rbegin(), arguments.rend()));
  } catch (const CLI::ExtrasError&) {
    const auto words = app.remaining();
    const auto meant = option_like(app, words);
    return report_error(
        fmt::format("not understood: {}", fmt::join(words, " ")),
        meant.empty() ? see_help : fmt::format("did you mean {}? {}", meant, see_help), 2);
  } catch (const CLI::ParseError& error) {
    if (error.get_exit_code() != 0) return report_error(without_jargon(error.what()), see_help, 2);
    app.exit(error);
    return results_status();
  }
  note_interrupts();
  return run_guarded(body);
}

void RunOptions::add_to(CLI::App& app) {
  const auto* group = "Run";
  app.add_option("--device", device, "auto (CUDA where there is some), cpu, cuda or cuda:N")
      ->capture_default_str()
      ->option_text("NAME [auto]")
      ->group(group);
  add_count(app, "--seed", seed, "Seed of all random numbers except the data's", 0, 4294967295)
      ->group(group);
  add_count(app, "--repeats", repeats,
            "Repeats of the experiment, each with random streams of its own", 1, 1000000)
      ->group(group);
  add_count(app, "--threads", threads, "Repeats that run at once", 1, 4096)->group(group);
  add_count(app, "--math-threads", math_threads,
            "Threads inside one operation; may change the last bits", 1, 4096)
      ->group(group);
  add_choice(app, "--engine", engine.kind, engine_names(), engine_named,
             "What takes the steps: auto is the fastest that can, and says which and why")
      ->group(group);
  add_choice(app, "--precision", engine.precision, precision_names(), precision_named,
             "What the dense engine multiplies in; bf16 keeps weights and sums in float32")
      ->group(group);
  app.add_option("--out", out, "Folder to write to")
      ->check(file_name())
      ->option_text("DIR [runs/PROGRAM-SEED-TIME]")
      ->group(group);
  const std::string by_default = curves == Curves::mean ? "mean" : "first";
  const auto all_or_default = [=](const std::string& text) -> std::string {
    if (text == "all" || text == by_default) return {};
    return fmt::format("'{}' is none of {}, all", text, by_default);
  };
  app.add_option_function<std::string>(
         "--curves",
         [this](const std::string& text) {
           if (text == "all") curves = Curves::all;
         },
         curves == Curves::mean
             ? "Rows of curves.csv: means and intervals over the repeats, or all "
               "repeats"
             : "Rows of curves.csv: those of repeat 0, or of all repeats")
      ->check(CLI::Validator(all_or_default, ""))
      ->default_str(by_default)
      ->option_text(fmt::format("{0}|all [{0}]", by_default))
      ->group(group);
  app.add_option("--resume", resume_, "Go on with the run in this folder, with its options")
      ->check(file_name())
      ->option_text("DIR")
      ->configurable(false)
      ->group(group);
  app.add_flag("--force", force, "Write over the run that --out holds")->group(group);
  app.add_flag("--quiet", quiet, "No progress on stderr")->group(group);
}

void RunOptions::check() const {
  try {
    find_device(device);
  } catch (const std::invalid_argument& error) {
    throw UsageError(error.what(), "see --help");
  }
  if (threads > repeats) {
    throw UsageError(fmt::format("--threads {} with --repeats {}", threads, repeats),
                     "--threads is how many repeats run at once; for threads inside one operation "
                     "use --math-threads");
  }
  if (curves == Curves::all && repeats == 1) {
    throw UsageError("--curves all with a single repeat",
                     "leave it out, or ask for several with --repeats");
  }
  if (force && out.empty()) {
    throw UsageError("--force without --out",
                     "without --out every run has a new folder, and nothing to write over");
  }
  if (device.rfind("cuda", 0) == 0 && threads > 1) {
    throw UsageError(fmt::format("--threads {} with --device {}", threads, device),
                     "on CUDA repeats run one after another; --device cpu runs several at once");
  }
}

CLI::Option* add_count(CLI::App& app, const std::string& name, int64_t& value,
                       const std::string& description, int64_t min, int64_t max) {
  return app.add_option(name, value, description)
      ->check(whole_number(min, max))
      ->capture_default_str()
      ->option_text(fmt::format("N [{}]", value));
}

CLI::Validator whole_number(int64_t min, int64_t max) {
  const auto within = [=](const std::string& text) -> std::string {
    int64_t number = 0;
    const auto* end = text.data() + text.size();
    const auto [stop, error] = std::from_chars(text.data(), end, number);
    const bool octal = text.size() > 1 && text[0] == '0';  // to CLI11, not to a person
    if (error == std::errc() && stop == end && !octal && number >= min && number <= max) return {};
    return fmt::format("'{}' is not a whole number from {} to {}", text, min, max);
  };
  return CLI::Validator(within, "");
}

CLI::Validator file_name() {
  const auto plausible = [](const std::string& text) -> std::string {
    if (text.empty()) return "the name is empty";
    if (text[0] == '-') return fmt::format("'{0}' looks like an option; a name may be ./{0}", text);
    return {};
  };
  return CLI::Validator(plausible, "");
}

CLI::Validator one_of(const std::vector<std::string>& choices) {
  const auto check = [=](const std::string& text) -> std::string {
    if (std::find(choices.begin(), choices.end(), text) != choices.end()) return {};
    return fmt::format("'{}' is none of {}", text, fmt::join(choices, ", "));
  };
  return CLI::Validator(check, "");
}

std::string choice_text(const std::vector<std::string>& choices, const std::string& value) {
  return fmt::format("{} [{}]", fmt::join(choices, "|"), value);
}

CLI::Option* add_choice(CLI::App& app, const std::string& name, std::string& value,
                        const std::vector<std::string>& choices, const std::string& description) {
  return app.add_option(name, value, description)
      ->check(one_of(choices))
      ->capture_default_str()
      ->option_text(choice_text(choices, value));
}

CLI::Option* add_switch(CLI::App& app, const std::string& name, bool& value,
                        const std::string& description) {
  const bool on = value;
  return app.add_flag(name, value, description)
      ->default_str(on ? "true" : "false")
      ->option_text(on ? "[on; off with " + name + "=off]" : "[off]");
}

CLI::Validator finite_number(double min, bool open, double max) {
  const auto within = [=](const std::string& text) -> std::string {
    const auto number = as_number(text);
    if (number && std::isfinite(*number) && (open ? *number > min : *number >= min) &&
        *number < max)
      return {};
    return fmt::format("'{}' is not a number {} {}{}", text, open ? "above" : "from", min,
                       std::isinf(max) ? "" : fmt::format(" and below {}", max));
  };
  return CLI::Validator(within, "");
}

CLI::Option* add_number(CLI::App& app, const std::string& name, double& value,
                        const std::string& description, double min, bool open, double max) {
  return app.add_option(name, value, description)
      ->check(finite_number(min, open, max))
      ->capture_default_str()
      ->option_text(fmt::format("X [{}]", value));
}

std::optional<std::string> value_on_command_line(const std::vector<std::string>& arguments,
                                                 const std::string& name) {
  std::optional<std::string> value;
  for (size_t i = 0; i < arguments.size(); ++i) {
    if (arguments[i] == name && i + 1 < arguments.size()) value = arguments[i + 1];
    if (arguments[i].rfind(name + "=", 0) == 0) value = arguments[i].substr(name.size() + 1);
  }
  return value;
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
    auto value = fmt::format("{}", fmt::join(option->results(), ","));
    if (option->get_expected_min() == 0) {  // a flag, however it was written
      const bool on = CLI::detail::to_flag_value(value) > 0;
      if (on == (option->get_default_str() == "true")) continue;
      changed.push_back(option->get_name() + (on ? "" : "=off"));
    } else if (!same_value(value, option->get_default_str())) {
      changed.push_back(option->get_name() + " " + value);
    }
  }
  return changed;
}

std::vector<std::pair<std::string, std::string>> all_options(const CLI::App& app) {
  std::vector<std::pair<std::string, std::string>> values;
  for (const auto* option : app.get_options()) {
    if (option->get_configurable() && option != app.get_help_ptr() &&
        option != app.get_version_ptr()) {
      auto value = option->get_default_str();
      if (option->count() > 0) value = fmt::format("{}", fmt::join(option->results(), ","));
      const bool is_flag = option->get_expected_min() == 0;
      if (is_flag && (value.empty() || value == "true" || value == "false")) {
        const bool on = value == "true" || (value.empty() && option->count() > 0);
        value = on ? "on" : "off";
      }
      values.emplace_back(option->get_single_name(), value);
    }
  }
  return values;
}

CommandLine command_line(int argc, char** argv) {
  const auto quoted = [](const std::string& word) {
    const auto plain = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-+=./:,@%";
    if (!word.empty() && word.find_first_not_of(plain) == std::string::npos) return word;
    std::string result = "'";
    for (const char c : word) result += c == '\'' ? std::string("'\\''") : std::string(1, c);
    return result + "'";
  };
  std::vector<std::string> words;
  for (int i = 0; i < argc; ++i) words.push_back(quoted(argv[i]));
  return {fmt::format("{}", fmt::join(words, " ")), {argv + 1, argv + argc}, {}};
}

void drop(std::vector<std::string>& arguments, const std::string& name) {
  for (size_t i = 0; i < arguments.size();) {
    const bool apart = arguments[i] == name;
    if (!apart && arguments[i].rfind(name + "=", 0) != 0) {
      ++i;
      continue;
    }
    const auto first = arguments.begin() + static_cast<std::ptrdiff_t>(i);
    arguments.erase(first, first + (apart && i + 1 < arguments.size() ? 2 : 1));
  }
}

void set_option(std::vector<std::string>& arguments, const std::string& name,
                const std::string& value) {
  drop(arguments, name);
  arguments.push_back(name);
  arguments.push_back(value);
}

study::Start start_of(const CLI::App& app, const CommandLine& command, const RunOptions& options) {
  auto arguments = command.arguments;
  set_option(arguments, "--device", find_device(options.device_for_repeats()).str());
  if (value_on_command_line(arguments, "--config")) {  // what it said then, whatever it says later
    drop(arguments, "--config");
    for (const auto* option : app.get_options()) {
      const auto name = option->get_name();
      const bool given = std::any_of(arguments.begin(), arguments.end(), [&](const auto& word) {
        return word == name || word.rfind(name + "=", 0) == 0;
      });
      if (option->count() > 0 && option->get_configurable() && !given)
        arguments.push_back(name + "=" + fmt::format("{}", fmt::join(option->results(), ",")));
    }
  }
  return {app.get_name(),  command.text, arguments, command.resumed, app.get_name() + " --resume",
          all_options(app)};
}

int run_program(int argc, char** argv, const About& about,
                const std::function<study::Study(const study::Settings&)>& make) {
  CommandLine command;
  const int prepared =
      prepare_program([&] { command = resumed(command_line(argc, argv), about.name); });
  if (prepared != 0) return prepared;
  CLI::App app(about.description, about.name);
  RunOptions options;
  options.add_to(app);
  app.option_defaults()->always_capture_default();
  if (about.add_options) about.add_options(app);
  return run_program(app, command.arguments, [&] {
    options.check();
    run_study(make(options), options, start_of(app, command, options));
  });
}

}  // namespace layerwise::apps
