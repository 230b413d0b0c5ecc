#include "support/blobs_program.h"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <cstdio>
#include <ctime>
#include <exception>
#include <fstream>
#include <mutex>
#include <thread>

#include <fmt/chrono.h>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <nlohmann/json.hpp>

#include "layerwise/report/failure.h"
#include "layerwise/report/page.h"
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
  void write() const { report::write_whole(path_, json_.dump(2) + "\n"); }

  std::filesystem::path path_;
  ordered_json json_;
};

void run_repeats(const BlobsProgram& program, const RunOptions& run, const Split& data,
                 Recorder& recorder) {
  std::atomic<int64_t> next = 0;
  std::mutex mutex;
  std::exception_ptr error;
  const auto work = [&] {
    try {
      set_math_threads(static_cast<int>(run.math_threads));
      flush_denormals();
      for (int64_t repeat = next++; repeat < run.repeats; repeat = next++) {
        Random random(static_cast<uint32_t>(run.seed), static_cast<uint32_t>(repeat));
        program.algorithm(data, random, recorder.observer_of(repeat));
        recorder.end_repeat(repeat);
      }
    } catch (...) {
      const std::lock_guard lock(mutex);
      if (!error) error = std::current_exception();
      recorder.stop();
      next = run.repeats;
    }
  };
  std::vector<std::thread> threads;
  for (int64_t i = 1; i < run.threads; ++i) threads.emplace_back(work);
  work();
  for (auto& thread : threads) thread.join();
  if (error) std::rethrow_exception(error);
}

/// For enough repeats: how many of the published values lie within the middle 95% of them.
std::string agreement(const Study& study, const std::vector<Published>& published) {
  if (study.repeats.size() < repeats_for_a_range) {
    return fmt::format(
        "One run is one draw of its random numbers, here and in print; --repeats {} shows the "
        "spread.",
        repeats_for_a_range);
  }
  size_t compared = 0;
  size_t inside = 0;
  for (const auto& [info, split, metric, value] : published) {
    const auto values = report::finite(study.values(info, split, metric));
    if (values.empty()) continue;
    constexpr double rounding = 0.0005;  // of the printed value
    ++compared;
    inside += value + rounding >= report::quantile(values, 0.025) &&
              value - rounding <= report::quantile(values, 0.975);
  }
  return fmt::format("{} of {} published values lie within the middle 95% of these {} repeats.",
                     inside, compared, study.repeats.size());
}

std::string comparison_note(const BlobsProgram& program, const Study& study,
                            const std::vector<std::string>& changed) {
  if (changed.empty()) return agreement(study, program.published);
  return fmt::format(
      "The published values are not comparable: they belong to the tutorial's settings, and this "
      "run has {}.",
      fmt::join(changed, ", "));
}

/// Draws what can be drawn. Returns the files that a page can show.
std::vector<std::pair<std::string, std::string>> draw_all(
    const std::vector<CaptionedFigure>& figures, const report::RunFolder& folder) {
  std::vector<std::pair<std::string, std::string>> drawn;
  if (!report::gnuplot_found()) {
    fmt::print(stderr,
               "error: no plots were drawn, because 'gnuplot' is not in PATH\n"
               "hint: all results are in {}; install gnuplot (Debian: apt-get install gnuplot-nox) "
               "and run again\n",
               folder.path().string());
    return drawn;
  }
  for (const auto& [figure, caption] : figures) {
    report::draw(figure, folder.path());
    drawn.emplace_back(figure.name + ".svg", caption);
  }
  return drawn;
}

}  // namespace

const Outcome& Study::outcome(size_t repeat, const StageInfo& info) const {
  const auto& outcomes = repeats.at(repeat);
  return *std::find_if(outcomes.begin(), outcomes.end(),
                       [&](const Outcome& o) { return o.info == info; });
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
  const auto repeats_with = [&](const char* trouble) {
    return study.repeats.size() == 1
               ? std::string("This run")
               : fmt::format("{} of {} repeats", study.count(plan, trouble), study.repeats.size());
  };
  std::vector<std::string> notes;
  if (study.count(plan, "diverged") > 0) {
    notes.push_back(repeats_with("diverged") +
                    " diverged: the loss grew beyond all numbers and the fit ended; on a stage "
                    "that deepening goes on "
                    "from, the repeat ended too. It is the procedure that does so, not a fault of "
                    "the program. Try "
                    "another --seed, or a smaller --learning-rate.");
  }
  if (study.count(plan, "collapsed") > 0) {
    notes.push_back(
        repeats_with("collapsed") +
        " collapsed: the ReLU units of a layer died until its output held one direction or none, "
        "and no layer "
        "above can bring back what is lost. It is the procedure that does so, not a fault of the "
        "program; "
        "deepening goes on as in the tutorial. Try another --seed, more --units, or a smaller "
        "--learning-rate.");
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
  const auto device = find_device(run.device);
  if (device.is_cuda() && run.threads > 1) {
    throw UsageError(fmt::format("--threads {} with --device {}", run.threads, run.device),
                     "on CUDA repeats run one after another; --device cpu runs several at once");
  }
  const auto blobs = data_options.make();
  data_options.export_to_file(blobs);
  const auto data = split(to_dataset(blobs), data_options.train_rows()).to(device);
  const auto seed = static_cast<unsigned>(run.seed);
  const report::RunFolder folder(
      run.out.empty() ? report::default_run_path(app.get_name(), seed).string() : run.out,
      run.force);
  RunDescription description(app, command, device, folder);
  const auto changed = options_changed(app, {"Data", "Training"});
  try {
    Recorder recorder(program, run, folder);
    run_repeats(program, run, data, recorder);
    recorder.finish();
    auto study = recorder.study();
    study.comparable = changed.empty();
    description.add_results(study);

    const auto table = program.table(study);
    auto notes = program.notes(study);
    notes.push_back(comparison_note(program, study, changed));
    fmt::print("\n{}\n", table.to_text());
    for (const auto& note : notes) fmt::print("{}\n", report::wrapped(note, 100));
    std::fflush(stdout);

    auto figures = program.figures(study, recorder.curves());
    figures.insert(figures.begin(), data_figure(blobs, data_options.train_rows()));
    const auto drawn = draw_all(figures, folder);
    report::write_page({program.title, command, notes, table, drawn}, folder.file("report.html"));
  } catch (const Interrupted&) {
    description.end("interrupted");
    throw;
  } catch (const report::Failure&) {
    try {
      description.end("failed");
    } catch (const report::Failure&) {
    }
    throw;
  }
  description.end("finished");
  if (!run.quiet) fmt::print(stderr, "written to {}\n", folder.path().string());
}

}  // namespace layerwise::apps
