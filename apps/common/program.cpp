#include "common/program.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <new>

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

#include "common/command_line.h"

namespace layerwise::apps {

namespace {

std::string first_line(const std::string& text) {
  return text.substr(0, text.find('\n'));
}

/// A hint of the library, which names a setting in brackets, as one of the command line: `(out)`
/// becomes `(--out)`.
std::string with_options(std::string hint) {
  for (const std::string name : {"out", "force"}) {
    const auto place = hint.find("(" + name + ")");
    if (place != std::string::npos) hint.insert(place + 1, "--");
  }
  return hint;
}

int report_error(const std::string& what, const std::string& hint, int status) {
  report::results_arrived();
  report::print_note(fmt::format("error: {}\nhint: {}\n", first_line(what), with_options(hint)));
  return status;
}

/// Opens missing standard streams. Otherwise, in a program that was started without one, a file
/// opened later would become its standard output.
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

/// Rewords CLI11's messages for an option that is given twice ("At Most 1 required but received
/// 2"), and for a line of a file that names no option.
std::string without_jargon(const std::string& message) {
  const auto place = message.find("At Most 1 required but received");
  if (place != std::string::npos) return message.substr(0, place) + "given more than once";
  const std::string of_file = "INI was not able to parse ";
  if (message.starts_with(of_file))
    return fmt::format("--config: '{}' is no option", message.substr(of_file.size()));
  return message;
}

/// What LibTorch was asked for and what was free, without what it advises a Python program.
std::string without_advice(const std::string& message) {
  const std::string last = " is free.";
  const auto place = message.find(last);
  return place == std::string::npos ? message : message.substr(0, place + last.size());
}

/// The hint for an error of LibTorch or CUDA: one about the card if the card failed, which only the
/// text tells, else the other.
const char* hint_about_card_or(const char* other, const std::string& message) {
  for (const auto* library : {"CUDA", "cuBLAS", "cuDNN"}) {
    if (message.find(library) != std::string::npos)
      return "see what nvidia-smi says of the card; --resume goes on with the run";
  }
  return other;
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
    return report_error(error.what(), error.hint(), 1);
  } catch (const FileError& error) {
    return report_error(error.what(), error.hint(), 1);
  } catch (const std::bad_alloc&) {
    return report_error("out of memory", "ask for fewer units or less data", 1);
  } catch (const c10::OutOfMemoryError& error) {
    return report_error(without_advice(error.what_without_backtrace()),
                        "ask for a smaller --batch-size or --cache-budget, fewer units or less "
                        "data, or use --device cpu",
                        1);
  } catch (const c10::Error& error) {
    const std::string what = error.what_without_backtrace();
    return report_error(
        what, hint_about_card_or("if memory ran out, ask for fewer units or less data", what), 1);
  } catch (const std::exception& error) {
    const auto* report_it = "this should not have happened: please report it with the command line";
    return report_error(error.what(), hint_about_card_or(report_it, error.what()), 1);
  }
}

/// The number of letters to change, insert or delete in order to turn one word into the other.
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

/// The option that the first of these words that looks like an option probably means; empty if none
/// is similar.
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

/// Steps that must come before the options are known.
int prepare_program(const std::function<void()>& preparation) {
  prepare_process();
  return run_guarded(preparation);
}

}  // namespace

int run_program(CLI::App& app, const std::vector<std::string>& arguments,
                const std::function<void()>& body) {
  prepare_process();
  app.set_version_flag(
         "--version", [&app] { return version_text(app); },
         "Print the versions that results depend on, and exit")
      ->group("Run");
  app.set_help_flag("-h,--help", "Print this help and exit")->group("Run");
  app.allow_config_extras(CLI::config_extras_mode::error);
  app.set_config("--config", "", "Read options from this file, lines as epochs=20 (INI)")
      ->check(file_name())
      ->option_text("FILE")
      ->group("Run");
  app.get_config_formatter_base()->arrayDelimiter('\n');  // widths=4,8 is one value
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

int run_program(int argc, char** argv, const Program& program) {
  CommandLine command;
  RunOptions options;
  const int prepared = prepare_program([&] {
    command = resumed(command_line(argc, argv), program.name);
    if (program.set_defaults) program.set_defaults(command.arguments, options);
  });
  if (prepared != 0) return prepared;
  CLI::App app(program.description, program.name);
  options.add_to(app);
  app.option_defaults()->always_capture_default();
  if (program.add_options) program.add_options(app);
  return run_program(app, command.arguments, [&] {
    options.check();
    options.resumed = command.resumed;
    if (!command.resumed.empty()) require_same_defaults(app, command.resumed);
    options.settle_cache();
    const auto study = program.make_study(options);
    const auto without_effect =
        program.without_effect ? program.without_effect() : std::vector<std::string>();
    run_study(study, options, start_of(command, options, without_effect));
  });
}

}  // namespace layerwise::apps
