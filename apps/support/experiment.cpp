#include "support/experiment.h"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <cstdio>
#include <ctime>
#include <exception>
#include <fstream>
#include <mutex>
#include <optional>
#include <stdexcept>
#include <system_error>
#include <thread>

#include <fmt/chrono.h>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <nlohmann/json.hpp>

#include "layerwise/engines/processor.h"
#include "layerwise/file.h"
#include "layerwise/report/failure.h"
#include "layerwise/report/page.h"
#include "layerwise/report/print.h"
#include "layerwise/report/statistics.h"

#include "support/interrupt.h"
#include "support/recorder.h"

namespace layerwise::apps {

namespace {

using nlohmann::ordered_json;

constexpr size_t repeats_for_a_range = 20;

std::string processor_name() {
  std::ifstream cpuinfo("/proc/cpuinfo");
  for (std::string line; std::getline(cpuinfo, line);) {
    if (line.rfind("model name", 0) == 0) return line.substr(line.find(':') + 2);
  }
  return "unknown";
}

constexpr auto data_key = "training_images_crc32";

/// run.json: what the run was, for whom wants to repeat it, and how far it came.
class RunDescription {
 public:
  RunDescription(const CLI::App& app, const CommandLine& command, const torch::Device& device,
                 const report::RunFolder& folder, const std::string& data_checksum)
      : path_(folder.file("run.json")) {
    const auto build = build_info();
    json_ = {{"program", app.get_name()},
             {"version", build.layerwise},
             {"command", command.text},
             {"arguments", command.arguments},
             {"status", "running"}};
    if (!command.resumed.empty()) keep_beginning();
    for (const auto& [name, value] : all_options(app)) json_["options"][name] = value;
    json_["random_streams"] =
        "RandomState([seed, repeat, purpose]), purpose 0 initialisation, 1 sample order, 2 "
        "subsets; "
        "noise by Philox4x32-10, key (seed, repeat), counter (element / 4, row, step, stage)";
    json_["device"] = device.str();
    const auto choices = processor_choices();
    json_["engine_choices"] = {{"simd", choices.simd}, {"fp32_products", choices.multiplier}};
    json_["libtorch"] = {{"version", build.libtorch},
                         {"blas", build.blas},
                         {"cpu_capability", build.cpu_capability},
                         {"cuda", build.cuda}};
    json_["processor"] = processor_name();
    if (!data_checksum.empty()) json_[data_key] = data_checksum;
    if (!json_.contains("started")) json_["started"] = now();
    write();
  }

  /// The command that began the run, also where another one goes on with it.
  std::string command() const { return json_["command"]; }

  void end(const std::string& status) {
    json_["status"] = status;
    json_["ended"] = now();
    write();
  }

  /// The same where something went wrong already, and whatever goes wrong here is the lesser evil.
  void try_to_end(const std::string& status) noexcept {
    try {
      end(status);
    } catch (...) {
    }
  }

  void add_results(const Study& study, const std::vector<EngineUse>& engines) {
    for (const auto& [name, reason, details] : engines)
      json_["engines"].push_back({{"name", name}, {"reason", reason}, {"details", details}});
    for (size_t repeat = 0; repeat < study.repeats.size(); ++repeat) {
      for (const auto& outcome : study.repeats[repeat]) {
        if (outcome.trouble.empty()) continue;
        json_["troubles"].push_back({{"repeat", repeat},
                                     {"stage", outcome.info.stage},
                                     {"layers", outcome.info.layers},
                                     {"variant", outcome.info.variant},
                                     {"task", outcome.info.task},
                                     {"what", outcome.details}});
      }
    }
  }

 private:
  /// How the run that goes on began.
  void keep_beginning() {
    const auto before = ordered_json::parse(read_file(path_), nullptr, false);
    if (!before.is_object()) return;
    for (const auto* key : {"command", "started"}) {
      if (before.contains(key)) json_[key] = before[key];
    }
    json_["resumed"] = now();
  }
  static std::string now() {
    return fmt::format("{:%Y-%m-%dT%H:%M:%SZ}", fmt::gmtime(std::time(nullptr)));
  }
  void write() const {  // A folder's name may be no UTF-8.
    report::write_whole(path_,
                        json_.dump(2, ' ', false, ordered_json::error_handler_t::replace) + "\n");
  }

  std::filesystem::path path_;
  ordered_json json_;
};

void run_repeats(const Experiment& experiment, const RunOptions& run, const Split& data,
                 const std::filesystem::path& folder, const std::vector<Finished>& finished,
                 Recorder& recorder) {
  const auto work = [&](int64_t repeat) {
    Random random(static_cast<uint32_t>(run.seed), static_cast<uint32_t>(repeat));
    const Repeat given{repeat, data, folder, finished[static_cast<size_t>(repeat)]};
    experiment.algorithm(given, random, recorder.observer_of(repeat));
    recorder.end_repeat(repeat);
  };
  for_each_repeat(run.repeats, run, work, [&] { recorder.stop(); });
}

/// How many of the published values lie within what the repeats came to.
std::string agreement(const Study& study, const std::vector<Published>& published) {
  const auto repeats = study.repeats.size();
  if (repeats == 1) {
    return fmt::format(
        "A single run is one random draw, and so is the published one; --repeats {} shows the "
        "spread.",
        repeats_for_a_range);
  }
  const bool enough = repeats >= repeats_for_a_range;
  const double tail = enough ? 0.025 : 0;
  size_t compared = 0;
  size_t inside = 0;
  for (const auto& value : published) {
    if (!study.has(value.info)) continue;
    const auto values = report::finite(study.values(value.info, value.split, value.metric));
    if (values.empty()) continue;
    ++compared;
    inside += value.high >= report::quantile(values, tail) &&
              value.low <= report::quantile(values, 1 - tail);
  }
  if (enough) {
    return fmt::format("{} of {} published values lie within the middle 95% of the repeats.",
                       inside, compared);
  }
  return fmt::format(
      "{} of {} published values lie between the smallest and the largest of these {} repeats; a "
      "range that should hold 95% of all runs needs --repeats {}.",
      inside, compared, repeats, repeats_for_a_range);
}

std::string comparison_note(const Experiment& experiment, const Study& study,
                            const std::vector<std::string>& changed) {
  if (changed.empty()) return agreement(study, experiment.published);
  return fmt::format(
      "The published values are not comparable: they belong to {}, and this run has {}.",
      experiment.settings.name, fmt::join(changed, ", "));
}

/// How the numbers of several repeats are to be read.
std::string reading_note(const Experiment& experiment) {
  const auto& heavy_tailed = experiment.heavy_tailed;
  return fmt::format(
      "In the table, values are mean +- standard "
      "deviation{}, over the repeats whose value is finite; the others are counted in the last "
      "column.",
      heavy_tailed.empty()
          ? ""
          : fmt::format(", but of {} median [minimum .. maximum]", fmt::join(heavy_tailed, ", ")));
}

std::vector<std::string> files_of_a_run(const Experiment& experiment) {
  std::vector<std::string> files{"run.json", "metrics.csv", "curves.csv", "report.html"};
  for (const auto& figure : experiment.figure_names) {
    for (const auto* ending : {"png", "svg", "gp"})
      files.push_back(fmt::format("{}.{}", figure, ending));
  }
  files.insert(files.end(), experiment.files.begin(), experiment.files.end());
  return files;
}

/// Draws what can be drawn, and adds it to the page. That some of it could not be is told at the
/// end.
void draw_all(const std::vector<CaptionedFigure>& figures, const report::RunFolder& folder,
              report::Page& page, std::optional<report::Failure>& failure) {
  const bool can_draw = report::gnuplot_found();
  for (const auto& [drawing, caption] : figures) {
    throw_if_interrupted();
    if (!can_draw) {
      report::write_script(drawing, folder.path());
      continue;
    }
    try {
      report::draw(drawing, folder.path(), [] { throw_if_interrupted(); });
      page.figures.emplace_back(report::name_of(drawing) + ".svg", caption);
    } catch (const report::Failure& error) {
      if (!failure) failure = error;
    }
  }
  if (!can_draw) {
    report::print_note(
        fmt::format("error: no plots were drawn, because 'gnuplot' is not in PATH\n"
                    "hint: all results are in {0}; install gnuplot (Debian: apt-get install "
                    "gnuplot-nox), then: "
                    "cd {0} && gnuplot *.gp\n",
                    folder.path().string()));
  }
}

/// A table whose cells are sentences is printed cell by cell, each under its column's name.
void print_section(const report::Section& section) {
  report::print_result(
      fmt::format("\n{}\n{}\n", section.title, std::string(section.title.size(), '-')));
  for (const auto& paragraph : section.paragraphs)
    report::print_result(report::wrapped(paragraph, 100) + "\n");
  report::print_result(section.sentences ? section.table.to_records(100) : section.table.to_text());
}

/// Prints and writes what came out.
void report_study(const Experiment& experiment, const Study& study, const Recorder& recorder,
                  const std::vector<std::string>& changed, const std::string& command,
                  const report::RunFolder& folder, std::optional<report::Failure>& failure) {
  auto notes = experiment.notes(study);
  if (!experiment.published.empty()) notes.push_back(comparison_note(experiment, study, changed));
  const auto table = experiment.table(study, recorder.curves());
  report::print_result("\n" + table.to_text() + "\n");
  const auto print = [](const std::string& note) {
    report::print_result(report::wrapped(note, 100) + "\n");
  };
  const auto reading = study.repeats.size() > 1 ? reading_note(experiment) : std::string();
  if (!reading.empty()) print("The lines above the table are those of repeat 0. " + reading);
  std::for_each(notes.begin(), notes.end(), print);
  if (!reading.empty()) notes.insert(notes.begin(), reading);

  report::Page page{experiment.title, command, notes, table, {}, {}};
  if (experiment.sections) page.sections = experiment.sections(study, recorder.curves());
  for (const auto& section : page.sections) print_section(section);
  draw_all(experiment.figures(study, recorder.curves()), folder, page, failure);
  report::write_page(page, folder.file("report.html"));
}

/// What the run in a folder says of itself; an empty object if it is no JSON.
ordered_json description_of_run(const report::RunFolder& folder) {
  const auto json = ordered_json::parse(read_file(folder.file("run.json")), nullptr, false);
  return json.is_object() ? json : ordered_json::object();
}

/// The run in a folder is finished, and its curves.csv holds means: what the repeats did is gone.
bool curves_are_means(const report::RunFolder& folder, const Experiment& experiment,
                      const RunOptions& run) {
  const bool has_curves = std::any_of(experiment.plan.begin(), experiment.plan.end(),
                                      [](const PlannedFit& fit) { return fit.curve_rows > 0; });
  if (!has_curves || run.curves != RunOptions::Curves::mean || run.repeats == 1) return false;
  return description_of_run(folder).value("status", "") == "finished";
}

void require_same_data(const report::RunFolder& folder, const std::string& checksum) {
  const auto had = description_of_run(folder).value(data_key, checksum);
  if (had == checksum) return;
  throw report::Failure(
      fmt::format("the run in '{}' learned from other data: {} is {}, expected {}",
                  folder.path().string(), data_key, checksum, had),
      "name its data with --data-dir, or start anew with another --out");
}

/// Lets the engines choose as they did when the run began: other choices would give other bits.
void take_engine_choices(const report::RunFolder& folder) {
  const auto had = description_of_run(folder).value("engine_choices", ordered_json::object());
  const auto here = processor_choices();
  try {
    set_processor_choices(
        {had.value("simd", here.simd), had.value("fp32_products", here.multiplier)});
  } catch (const std::invalid_argument& error) {
    throw report::Failure(fmt::format("the run in '{}' cannot go on here with the same bits: {}",
                                      folder.path().string(), error.what()),
                          "go on where it began, or start anew with another --out");
  }
}

report::RunFolder folder_of(const Experiment& experiment, const CLI::App& app,
                            const CommandLine& command, const RunOptions& run) {
  using Use = report::RunFolder::Use;
  const auto files = files_of_a_run(experiment);
  if (!command.resumed.empty()) return {command.resumed, files, Use::go_on};
  const auto default_path =
      report::default_run_path(app.get_name(), static_cast<unsigned>(run.seed));
  return {run.out.empty() ? default_path.string() : run.out, files,
          run.force ? Use::replace : Use::begin};
}

}  // namespace

void for_each_repeat(int64_t count, const RunOptions& run, const std::function<void(int64_t)>& work,
                     const std::function<void()>& stop) {
  const int math_threads = static_cast<int>(run.math_threads);
  std::atomic<int64_t> next = 0;
  std::mutex mutex;
  std::exception_ptr error;
  const auto fail = [&](const std::exception_ptr& what) {
    const std::lock_guard lock(mutex);
    if (!error) error = what;
    stop();
    next = count;
  };
  const auto take_turns = [&] {
    try {
      prepare_thread(math_threads);
      for (int64_t repeat = next++; repeat < count; repeat = next++) work(repeat);
    } catch (...) {
      fail(std::current_exception());
    }
  };
  std::vector<std::thread> threads;
  try {
    for (int64_t i = 1; i < std::min(run.threads, count); ++i) threads.emplace_back(take_turns);
  } catch (const std::system_error&) {
    fail(std::make_exception_ptr(report::Failure(
        fmt::format("cannot start {} threads", run.threads), "ask for fewer with --threads")));
  }
  take_turns();
  for (auto& thread : threads) thread.join();
  if (error) std::rethrow_exception(error);
  throw_if_interrupted();
}

void run_experiment(const Experiment& experiment, const CLI::App& app, const CommandLine& command,
                    const RunOptions& run) {
  const auto device = find_device(run.device_for_repeats());
  const auto data = experiment.data.to(device);
  throw_if_interrupted("nothing has been written");
  const auto folder = folder_of(experiment, app, command, run);
  if (!command.resumed.empty()) {
    require_same_data(folder, experiment.data_checksum);
    take_engine_choices(folder);
  }
  if (!command.resumed.empty() && curves_are_means(folder, experiment, run)) {
    if (!run.quiet)
      report::print_note(fmt::format("the run in {} is finished\n", folder.path().string()));
    return;
  }
  std::vector<Finished> finished(static_cast<size_t>(run.repeats),
                                 Finished(experiment.plan.size(), false));
  if (!command.resumed.empty()) {
    for (size_t i = 0; i < finished.size(); ++i)
      finished[i] = experiment.finished(static_cast<int64_t>(i), folder.path());
  }
  std::optional<report::Failure> failure;
  Recorder recorder(experiment, run, folder, finished);
  RunDescription description(app, command, device, folder, experiment.data_checksum);
  try {
    set_math_threads(static_cast<int>(run.math_threads));
    prepare_thread(static_cast<int>(run.math_threads));
    if (experiment.prepare) experiment.prepare(data, folder.path());
    run_repeats(experiment, run, data, folder.path(), finished, recorder);
    recorder.finish();
    auto study = recorder.study();
    const auto& settings = experiment.settings;
    const auto changed = options_changed(app, settings.groups, settings.no_matter);
    study.comparable = changed.empty();
    description.add_results(study, recorder.engines());
    report_study(experiment, study, recorder, changed, description.command(), folder, failure);
    throw_if_interrupted();  // for the last time: a later signal finds everything done
    recorder.write_mean_curves();
  } catch (const Interrupted& interrupted) {
    description.try_to_end("interrupted");
    if (!experiment.finished) throw;
    throw Interrupted(interrupted.signal(),
                      fmt::format("go on after the last whole fit: {} --resume {}", app.get_name(),
                                  folder.path().string()));
  } catch (...) {
    description.try_to_end("failed");
    throw;
  }
  description.end("finished");
  if (failure) throw report::Failure(*failure);
  if (!run.quiet) report::print_note(fmt::format("written to {}\n", folder.path().string()));
}

}  // namespace layerwise::apps
