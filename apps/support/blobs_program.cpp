#include "support/blobs_program.h"

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

/// run.json: what the run was, for whom wants to repeat it, and how far it came.
class RunDescription {
 public:
  RunDescription(const CLI::App& app, const std::string& command, const torch::Device& device,
                 const report::RunFolder& folder)
      : path_(folder.file("run.json")) {
    const auto build = build_info();
    json_ = {{"program", app.get_name()},
             {"version", build.layerwise},
             {"command", command},
             {"status", "running"}};
    for (const auto& [name, value] : all_options(app)) json_["options"][name] = value;
    json_["random_streams"] =
        "RandomState([seed, repeat, purpose]), purpose 0 initialisation, 1 sample order, 2 subsets";
    json_["device"] = device.str();
    json_["engine"] = "autograd";
    json_["libtorch"] = {{"version", build.libtorch},
                         {"blas", build.blas},
                         {"cpu_capability", build.cpu_capability},
                         {"cuda", build.cuda}};
    json_["processor"] = processor_name();
    json_["started"] = now();
    write();
  }

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

  void add_results(const Study& study) {
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

void run_repeats(const BlobsProgram& program, const RunOptions& run, const Split& data,
                 Recorder& recorder) {
  const int math_threads = static_cast<int>(run.math_threads);
  std::atomic<int64_t> next = 0;
  std::mutex mutex;
  std::exception_ptr error;
  const auto fail = [&](const std::exception_ptr& what) {
    const std::lock_guard lock(mutex);
    if (!error) error = what;
    recorder.stop();
    next = run.repeats;
  };
  const auto work = [&] {
    try {
      prepare_thread(math_threads);
      for (int64_t repeat = next++; repeat < run.repeats; repeat = next++) {
        Random random(static_cast<uint32_t>(run.seed), static_cast<uint32_t>(repeat));
        program.algorithm(data, random, recorder.observer_of(repeat));
        recorder.end_repeat(repeat);
      }
    } catch (...) {
      fail(std::current_exception());
    }
  };
  set_math_threads(math_threads);
  std::vector<std::thread> threads;
  try {
    for (int64_t i = 1; i < run.threads; ++i) threads.emplace_back(work);
  } catch (const std::system_error&) {
    fail(std::make_exception_ptr(report::Failure(
        fmt::format("cannot start {} threads", run.threads), "ask for fewer with --threads")));
  }
  work();
  for (auto& thread : threads) thread.join();
  if (error) std::rethrow_exception(error);
  throw_if_interrupted();
}

/// For enough repeats: how many of the published values lie within the middle 95% of them.
std::string agreement(const Study& study, const std::vector<Published>& published) {
  if (study.repeats.size() < repeats_for_a_range) {
    return fmt::format(
        "A single run is one random draw, and so is the published one; --repeats {} shows the "
        "spread.",
        repeats_for_a_range);
  }
  size_t compared = 0;
  size_t inside = 0;
  for (const auto& [info, split, metric, value] : published) {
    if (!study.has(info)) continue;
    const auto values = report::finite(study.values(info, split, metric));
    if (values.empty()) continue;
    constexpr double rounding = 0.0005;  // of the printed value
    ++compared;
    inside += value + rounding >= report::quantile(values, 0.025) &&
              value - rounding <= report::quantile(values, 0.975);
  }
  return fmt::format("{} of {} published values lie within the middle 95% of the repeats.", inside,
                     compared);
}

std::string comparison_note(const BlobsProgram& program, const Study& study,
                            const std::vector<std::string>& changed) {
  if (changed.empty()) return agreement(study, program.published);
  return fmt::format(
      "The published values are not comparable: they belong to the tutorial's settings, and this "
      "run has {}.",
      fmt::join(changed, ", "));
}

/// How the numbers of several repeats are to be read.
std::string reading_note(const BlobsProgram& program) {
  const bool mse =
      std::find(program.metrics.begin(), program.metrics.end(), "mse") != program.metrics.end();
  return fmt::format(
      "The lines above the table are those of repeat 0. In the table, accuracies are mean +- "
      "standard deviation{} over the repeats whose value is finite; the others are counted in the "
      "last column.",
      mse ? " and mean squared errors median [minimum .. maximum]," : "");
}

std::vector<std::string> files_of_a_run() {
  std::vector<std::string> files{"run.json", "metrics.csv", "curves.csv", "report.html"};
  for (const auto* figure : {"data", "accuracy", "reconstruction", "learning_curves"}) {
    for (const auto* ending : {"png", "svg", "gp"})
      files.push_back(fmt::format("{}.{}", figure, ending));
  }
  return files;
}

/// Draws what can be drawn, and adds it to the page. That some of it could not be is told at the
/// end.
void draw_all(const std::vector<CaptionedFigure>& figures, const report::RunFolder& folder,
              report::Page& page, std::optional<report::Failure>& failure) {
  const bool can_draw = report::gnuplot_found();
  for (const auto& [figure, caption] : figures) {
    throw_if_interrupted();
    if (!can_draw) {
      report::write_script(figure, folder.path());
      continue;
    }
    try {
      report::draw(figure, folder.path());
      page.figures.emplace_back(figure.name + ".svg", caption);
    } catch (const report::Failure& error) {
      throw_if_interrupted();
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

/// Prints and writes what came out.
void report_study(const BlobsProgram& program, const Study& study, const Recorder& recorder,
                  const std::vector<std::string>& changed, const LabelledPoints& blobs,
                  const BlobsData& data_options, const std::string& command,
                  const report::RunFolder& folder, std::optional<report::Failure>& failure) {
  auto notes = program.notes(study);
  notes.push_back(comparison_note(program, study, changed));
  if (study.repeats.size() > 1) notes.insert(notes.begin(), reading_note(program));
  const auto table = program.table(study);
  report::print_result("\n" + table.to_text() + "\n");
  for (const auto& note : notes) report::print_result(report::wrapped(note, 100) + "\n");

  auto figures = program.figures(study, recorder.curves());
  figures.insert(figures.begin(), data_figure(blobs, data_options.train_rows()));
  report::Page page{program.title, command, notes, table, {}};
  draw_all(figures, folder, page, failure);
  report::write_page(page, folder.file("report.html"));
}

}  // namespace

const Outcome& Study::outcome(size_t repeat, const StageInfo& info) const {
  for (const auto& outcome : repeats.at(repeat)) {
    if (outcome.info == info) return outcome;
  }
  throw std::out_of_range(fmt::format("no {} with {} layers was planned", info.task, info.layers));
}

bool Study::has(const StageInfo& info) const {
  const auto& plan = repeats.at(0);
  return std::any_of(plan.begin(), plan.end(), [&](const Outcome& o) { return o.info == info; });
}

std::vector<double> Study::values(const StageInfo& info, const std::string& split,
                                  const std::string& metric) const {
  std::vector<double> values;
  for (size_t repeat = 0; repeat < repeats.size(); ++repeat) {
    values.push_back(value_of(outcome(repeat, info).scores, split, metric));
  }
  return values;
}

std::string Study::cell(const StageInfo& info, const std::string& split,
                        const std::string& metric) const {
  const auto all = values(info, split, metric);
  if (all.size() == 1) return three_digits(all[0]);
  const auto spread = report::spread_of(all);
  if (spread.count == 0) return "nan";
  if (metric != "mse") return fmt::format("{:.3f} +- {:.3f}", spread.mean, spread.sd);
  return fmt::format("{} [{} .. {}]", three_digits(report::quantile(report::finite(all), 0.5)),
                     three_digits(spread.min), three_digits(spread.max));
}

int64_t Study::count(const std::vector<PlannedFit>& fits, const std::string& trouble) const {
  int64_t found = 0;
  for (size_t repeat = 0; repeat < repeats.size(); ++repeat) {
    found += std::any_of(fits.begin(), fits.end(), [&](const PlannedFit& fit) {
      return outcome(repeat, fit.info).trouble == trouble;
    });
  }
  return found;
}

std::string Study::note(const StageInfo& info) const {
  if (repeats.size() == 1) return outcome(0, info).details;
  std::vector<std::string> counts;
  for (const auto* trouble : {"diverged", "collapsed", "not reached"}) {
    if (const auto n = count({{info, 0}}, trouble))
      counts.push_back(fmt::format("{} {}", trouble, n));
  }
  return fmt::format("{}", fmt::join(counts, ", "));
}

std::vector<std::string> trouble_notes(const Study& study, const std::vector<PlannedFit>& plan) {
  std::vector<PlannedFit> stages;
  std::vector<PlannedFit> fine_tunings;
  for (const auto& fit : plan) (fit.info.variant.empty() ? stages : fine_tunings).push_back(fit);
  const auto who = [&](const std::vector<PlannedFit>& fits, const char* trouble) {
    const auto count = study.count(fits, trouble);
    return study.repeats.size() == 1 ? std::string("This run")
                                     : fmt::format("{} of {} repeats", count, study.repeats.size());
  };
  constexpr auto procedure = "It is the procedure that does so, not a fault of the program.";
  std::vector<std::string> notes;
  if (study.count(stages, "diverged") > 0) {
    notes.push_back(fmt::format(
        "{} diverged: the loss grew beyond all numbers, and deepening ended there. {} Try another "
        "--seed, or a smaller --learning-rate.",
        who(stages, "diverged"), procedure));
  }
  if (study.count(fine_tunings, "diverged") > 0) {
    notes.push_back(fmt::format(
        "{} diverged in fine-tuning; deepening went on from the untouched layers. Try a smaller "
        "--fine-tune-learning-rate.",
        who(fine_tunings, "diverged")));
  }
  if (study.count(plan, "collapsed") > 0) {
    notes.push_back(fmt::format(
        "{} collapsed: too little of the input is left in the output of a layer, mostly because "
        "its "
        "ReLU units died, and no layer above can bring it back. {} Deepening goes on as in the "
        "tutorial. Try another --seed, or a smaller --learning-rate.",
        who(plan, "collapsed"), procedure));
  }
  return notes;
}

std::string three_digits(double value) {
  return std::abs(value) < 1e6 || !std::isfinite(value) ? fmt::format("{:.3f}", value)
                                                        : fmt::format("{:.3e}", value);
}

std::string published_cell(const std::vector<Published>& published, const StageInfo& info,
                           const std::string& split, const std::string& metric) {
  for (const auto& value : published) {
    if (value.info == info && value.split == split && value.metric == metric)
      return three_digits(value.value);
  }
  return {};
}

void run_blobs(const BlobsProgram& program, const CLI::App& app, const std::string& command,
               const RunOptions& run, const BlobsData& data_options) {
  run.check();
  const bool several_at_once = run.device == "auto" && run.threads > 1;  // a CPU matter
  const auto device = find_device(several_at_once ? "cpu" : run.device);
  const auto blobs = data_options.make();
  data_options.export_to_file(blobs);
  const auto data = split(to_dataset(blobs), data_options.train_rows()).to(device);
  const auto default_path =
      report::default_run_path(app.get_name(), static_cast<unsigned>(run.seed));
  const report::RunFolder folder(run.out.empty() ? default_path.string() : run.out,
                                 files_of_a_run(), run.force);
  RunDescription description(app, command, device, folder);
  std::optional<report::Failure> failure;
  try {
    Recorder recorder(program, run, folder);
    run_repeats(program, run, data, recorder);
    recorder.finish();
    auto study = recorder.study();
    // More or fewer layers change nothing about those that are there in both.
    const auto changed = options_changed(app, {"Data", "Training"}, {"--layers"});
    study.comparable = changed.empty();
    description.add_results(study);
    report_study(program, study, recorder, changed, blobs, data_options, command, folder, failure);
  } catch (const Interrupted&) {
    description.try_to_end("interrupted");
    throw;
  } catch (...) {
    description.try_to_end("failed");
    throw;
  }
  description.end("finished");
  if (failure) throw report::Failure(*failure);
  if (!run.quiet) report::print_note(fmt::format("written to {}\n", folder.path().string()));
}

}  // namespace layerwise::apps
