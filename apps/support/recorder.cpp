#include "support/recorder.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <limits>
#include <map>
#include <sstream>
#include <stdexcept>
#include <tuple>

#include <fmt/format.h>

#include "layerwise/file.h"
#include "layerwise/report/failure.h"
#include "layerwise/report/statistics.h"

#include "support/interrupt.h"

namespace layerwise::apps {

namespace {

constexpr auto metrics_header = "repeat,seed,variant,labels,stage,layers,split,metric,value";
constexpr auto start_anew = "the run cannot be resumed; start it anew with another --out";
constexpr auto curves_header = "repeat,variant,labels,stage,epoch,step,split,metric,value";

/// Another repeat failed, and this one ends for it.
struct Stopped : std::exception {
  const char* what() const noexcept override { return "stopped, as another repeat failed"; }
};

double work_of(const Experiment& experiment) {
  double work = 0;
  for (const auto& fit : experiment.plan) work += fit.work;
  return work;
}

Outcome not_reached(const PlannedFit& fit) {
  Outcome outcome{fit.info, {}, "not reached", "not reached: an earlier fit diverged"};
  for (const auto& [split, metric] : fit.scores)
    outcome.scores.push_back({split, metric, std::numeric_limits<double>::quiet_NaN()});
  return outcome;
}

/// Empty where this is not what is counted.
std::string text_if_counted(int64_t count) {
  return count > 0 ? fmt::format("{}", count) : std::string();
}

int64_t whole_number_in(const std::string& field) {
  return std::strtoll(field.c_str(), nullptr, 10);
}

/// A row of metrics.csv, as far as it says whose value it holds.
struct MetricRow {
  size_t repeat;
  StageInfo info;
  Score score;
};

std::vector<MetricRow> metric_rows_in(const std::filesystem::path& path) {
  std::vector<MetricRow> rows;
  for (const auto& row : rows_of(path, metrics_header)) {
    rows.push_back(
        {static_cast<size_t>(whole_number_in(row[0])),
         {whole_number_in(row[4]), whole_number_in(row[5]), row[2], "", whole_number_in(row[3])},
         {row[6], row[7], std::strtod(row[8].c_str(), nullptr)}});
  }
  return rows;
}

/// The place in the plan of what a table calls by these names, which leave out the task.
std::optional<size_t> place_named(const std::vector<PlannedFit>& plan, const StageInfo& named) {
  for (size_t i = 0; i < plan.size(); ++i) {
    auto info = plan[i].info;
    info.task.clear();
    if (info == named) return i;
  }
  return std::nullopt;
}

std::string curve_row(const std::string& repeat, const CurvePoint& point, double value) {
  const auto& [info, epoch, step, score] = point;
  return fmt::format("{},{},{},{},{},{},{},{},{:.9g}\n", repeat, info.variant,
                     text_if_counted(info.labels), info.stage, epoch, step, score.split,
                     score.metric, plain_nan(value));
}

/// A value as a table holds it, so that what a resumed run reads is what it would have had.
double as_written(double value) {
  return std::strtod(fmt::format("{:.9g}", value).c_str(), nullptr);
}

/// A classifier needs more than one direction, an autoencoder nearly all of its input.
bool collapsed(const CodeStatistics& code, const StageInfo& info) {
  constexpr double most_lost = 0.1;
  const bool reconstructs = info.task == "reconstruction";
  return code.rank == 0 ||
         (reconstructs ? code.lost > most_lost : code.rank == 1 && code.units > 1);
}

Outcome outcome_of(const StageReport& report, const PlannedFit& fit) {
  Outcome outcome{report.info, {}, "", ""};
  auto scores = report.result.scores;
  scores.insert(scores.end(), report.result.last_batch.begin(), report.result.last_batch.end());
  for (const auto& [split, metric] : fit.scores) {
    const auto score = std::find_if(
        scores.begin(), scores.end(),
        [&, s = split, m = metric](const Score& x) { return x.split == s && x.metric == m; });
    if (score != scores.end()) outcome.scores.push_back({split, metric, as_written(score->value)});
  }
  if (report.result.diverged()) {
    outcome.trouble = "diverged";
    const auto epoch = report.result.fit.diverged_in;
    outcome.details =
        epoch > 0 ? fmt::format("diverged: not a number from epoch {} on", epoch) : "diverged";
  } else if (report.code && collapsed(*report.code, report.info)) {
    const auto& [units, dead, rank, lost] = *report.code;
    outcome.trouble = "collapsed";
    if (rank == 0) {
      outcome.details = fmt::format("collapsed: all {} units of the newest layer are dead", units);
    } else {
      const auto left = rank == 1 && units > 1
                            ? std::string("one live direction")
                            : fmt::format("{:.0f}% of the input is lost", 100 * lost);
      outcome.details = fmt::format("collapsed: {}, {} of {} units dead", left, dead, units);
    }
  }
  return outcome;
}

}  // namespace

std::vector<std::vector<std::string>> rows_of(const std::filesystem::path& path,
                                              const std::string& header) {
  std::istringstream stream;
  try {
    stream.str(read_file(path));
  } catch (const FileError& error) {
    throw report::Failure(error.what(), start_anew);
  }
  std::string line;
  std::getline(stream, line);
  const auto columns = cut_at_commas(header).size();
  std::vector<std::vector<std::string>> rows;
  bool whole = line == header;
  while (whole && std::getline(stream, line)) {
    rows.push_back(cut_at_commas(line));
    whole = rows.back().size() == columns;
  }
  if (!whole) {
    throw report::Failure(fmt::format("'{}' is not as this program wrote it", path.string()),
                          start_anew);
  }
  return rows;
}

std::vector<Finished> fits_with_rows(const std::vector<PlannedFit>& plan, int64_t repeats,
                                     const std::filesystem::path& folder) {
  std::vector<std::vector<size_t>> rows(static_cast<size_t>(repeats),
                                        std::vector<size_t>(plan.size(), 0));
  for (const auto& row : metric_rows_in(folder / "metrics.csv")) {
    const auto place = place_named(plan, row.info);
    const bool reached =
        std::isfinite(row.score.value);  // what diverged is made again, and does so
    if (place && reached && row.repeat < rows.size()) ++rows[row.repeat][*place];
  }
  std::vector<Finished> finished;
  for (const auto& counts : rows) {
    finished.emplace_back();
    for (size_t i = 0; i < plan.size(); ++i)
      finished.back().push_back(counts[i] == plan[i].scores.size());
  }
  return finished;
}

Recorder::Recorder(const Experiment& experiment, const RunOptions& run,
                   const report::RunFolder& folder, const std::vector<Finished>& finished)
    : experiment_(experiment),
      run_(run),
      progress_(report::Progress::style_for(stderr, run.quiet),
                work_of(experiment) * static_cast<double>(run.repeats)),
      metrics_path_(folder.file("metrics.csv")),
      curves_path_(folder.file("curves.csv")),
      curves_(static_cast<size_t>(run.repeats)),
      done_(static_cast<size_t>(run.repeats)) {
  std::vector<Outcome> nothing_yet;
  for (const auto& fit : experiment.plan) nothing_yet.push_back(not_reached(fit));
  study_.heavy_tailed = experiment.heavy_tailed;
  study_.repeats.assign(static_cast<size_t>(run.repeats), nothing_yet);
  const auto any = [](const Finished& fits) {
    return std::find(fits.begin(), fits.end(), true) != fits.end();
  };
  const bool resumed = std::any_of(finished.begin(), finished.end(), any);
  if (resumed) {
    take_metrics(finished);
    take_curves(finished);
  }
  metrics_file_.emplace(metrics_path_,
                        std::string(metrics_header) + "\n" + (resumed ? reached_rows() : ""));
  curves_file_.emplace(curves_path_, std::string(curves_header) + "\n" + all_curve_rows());
  for (size_t i = 0; i < done_.size(); ++i) done_[i].curves_written = curves_[i].size();
}

bool Recorder::keeps_curves(int64_t repeat) const {
  return repeat == 0 || run_.curves != RunOptions::Curves::first;
}

void Recorder::take_metrics(const std::vector<Finished>& finished) {
  for (const auto& [repeat, named, score] : metric_rows_in(metrics_path_)) {
    const auto place = place_named(experiment_.plan, named);
    if (!place || repeat >= finished.size() || !finished[repeat][*place]) continue;
    auto& outcome = study_.repeats[repeat][*place];
    if (!outcome.trouble.empty()) outcome = {experiment_.plan[*place].info, {}, "", ""};
    outcome.scores.push_back(score);
  }
  for (size_t repeat = 0; repeat < finished.size(); ++repeat) {
    for (size_t i = 0; i < experiment_.plan.size(); ++i) {
      if (!finished[repeat][i]) continue;
      const auto& fit = experiment_.plan[i];
      done_[repeat].work += fit.work;
      auto& outcome = study_.repeats[repeat][i];
      if (!outcome.trouble.empty() || outcome.scores.size() != fit.scores.size()) {
        throw report::Failure(
            fmt::format("'{}' lacks rows of repeat {}, {}", metrics_path_.string(), repeat,
                        experiment_.label(fit.info)),
            start_anew);
      }
    }
  }
}

void Recorder::take_curves(const std::vector<Finished>& finished) {
  for (const auto& row : rows_of(curves_path_, curves_header)) {
    const auto repeat = static_cast<size_t>(whole_number_in(row[0]));
    for (size_t i = 0; i < experiment_.plan.size() && repeat < finished.size(); ++i) {
      const auto& info = experiment_.plan[i].info;
      const bool meant = info.stage == whole_number_in(row[3]) && info.variant == row[1] &&
                         info.labels == whole_number_in(row[2]);
      if (!meant || !finished[repeat][i]) continue;
      curves_[repeat].push_back({info,
                                 whole_number_in(row[4]),
                                 whole_number_in(row[5]),
                                 {row[6], row[7], std::strtod(row[8].c_str(), nullptr)}});
      break;
    }
  }
  for (size_t repeat = 0; repeat < finished.size(); ++repeat) {
    for (size_t i = 0; i < experiment_.plan.size(); ++i) {
      const auto& fit = experiment_.plan[i];
      if (!finished[repeat][i] || !keeps_curves(static_cast<int64_t>(repeat))) continue;
      const auto rows =
          std::count_if(curves_[repeat].begin(), curves_[repeat].end(),
                        [&](const CurvePoint& point) { return point.info == fit.info; });
      if (rows == fit.curve_rows) continue;
      throw report::Failure(
          fmt::format("'{}' has {} rows of repeat {}, {}, not {}", curves_path_.string(), rows,
                      repeat, experiment_.label(fit.info), fit.curve_rows),
          start_anew);
    }
  }
}

Observer Recorder::observer_of(int64_t repeat) {
  return {[this, repeat](const StageInfo& info, const FitView& view) {
            return on_epoch(repeat, info, view);
          },
          [this, repeat](const StageReport& report) { on_stage(repeat, report); }};
}

void Recorder::note_engine(int64_t repeat, const EngineUse& use) {
  const std::lock_guard lock(mutex_);
  if (std::find(engines_.begin(), engines_.end(), use) != engines_.end()) return;
  engines_.push_back(use);
  if (repeat != 0) return;
  progress_.note(fmt::format("engine {}{}{}\n", use.name,
                             use.details.empty() ? "" : fmt::format(" ({})", use.details),
                             use.reason.empty() ? "" : fmt::format(": {}", use.reason)));
}

Next Recorder::on_epoch(int64_t repeat, const StageInfo& info, const FitView& view) {
  throw_if_interrupted();
  if (stopping_) throw Stopped{};
  if (view.step == 0) note_engine(repeat, view.engine.use());
  if (keeps_curves(repeat)) {
    const auto scores = experiment_.curve_scores(info, view);
    for (const auto& [split, name, value] : scores) {
      curves_[static_cast<size_t>(repeat)].push_back(
          {info, view.epoch, view.step, {split, name, as_written(value)}});
    }
    if (repeat == 0 && experiment_.epoch_line) {
      const auto line = experiment_.epoch_line(info, view, scores);
      if (!line.empty()) progress_.print(line + "\n");
    }
  }
  if (view.step > 0) {
    auto& done = done_[static_cast<size_t>(repeat)];
    const double now = experiment_.plan[place_of(info)].work * static_cast<double>(view.step) /
                       static_cast<double>(view.steps);
    progress_.advance(
        view.epochs > 1
            ? fmt::format("{}, epoch {} of {}", progress_label(repeat, info), view.epoch,
                          view.epochs)
            : fmt::format("{}, step {} of {}", progress_label(repeat, info), view.step, view.steps),
        now - done.of_fit);
    done.of_fit = now;
  }
  return Next::go_on;
}

void Recorder::on_stage(int64_t repeat, const StageReport& report) {
  const std::lock_guard lock(mutex_);
  const auto place = place_of(report.info);
  const auto& fit = experiment_.plan[place];
  const auto outcome = outcome_of(report, fit);
  auto& done = done_[static_cast<size_t>(repeat)];
  // The rows of its metrics are what says that a fit is done, and come last.
  curves_file_->append(curve_rows(static_cast<size_t>(repeat), done.curves_written));
  done.curves_written = curves_[static_cast<size_t>(repeat)].size();
  study_.repeats[static_cast<size_t>(repeat)][place] = outcome;
  metrics_file_->append(metric_rows(repeat, outcome));
  if (repeat == 0) {
    auto line = experiment_.line(outcome);
    if (!outcome.details.empty())
      line += fmt::format("{}({})", line.empty() ? "" : " ", outcome.details);
    if (!line.empty()) progress_.print(line + "\n");
  }
  const auto label = progress_label(repeat, report.info);
  progress_.advance(label, fit.work - done.of_fit);
  done.work += fit.work;
  done.of_fit = 0;
  progress_.stage_done(label);
}

void Recorder::end_repeat(int64_t repeat) {
  const double missing = work_of(experiment_) - done_[static_cast<size_t>(repeat)].work;
  progress_.advance(fmt::format("repeat {} done", repeat), missing);
}

void Recorder::finish() {
  progress_.print("");
  report::write_whole(metrics_path_, std::string(metrics_header) + "\n" + all_metric_rows());
  report::write_whole(curves_path_, std::string(curves_header) + "\n" + all_curve_rows());
}

void Recorder::write_mean_curves() {
  if (run_.curves != RunOptions::Curves::mean || run_.repeats == 1) return;
  report::write_whole(curves_path_, std::string(curves_header) + "\n" + mean_curve_rows());
}

std::string Recorder::all_metric_rows() const {
  std::string rows;
  for (size_t repeat = 0; repeat < study_.repeats.size(); ++repeat) {
    for (const auto& outcome : study_.repeats[repeat])
      rows += metric_rows(static_cast<int64_t>(repeat), outcome);
  }
  return rows;
}

std::string Recorder::reached_rows() const {
  std::string rows;
  for (size_t repeat = 0; repeat < study_.repeats.size(); ++repeat) {
    for (const auto& outcome : study_.repeats[repeat]) {
      if (outcome.trouble != "not reached")
        rows += metric_rows(static_cast<int64_t>(repeat), outcome);
    }
  }
  return rows;
}

size_t Recorder::place_of(const StageInfo& info) const {
  const auto place = std::find_if(experiment_.plan.begin(), experiment_.plan.end(),
                                  [&](const PlannedFit& fit) { return fit.info == info; });
  if (place == experiment_.plan.end())
    throw std::logic_error("a fit that was not planned: " + info.variant + info.task);
  return static_cast<size_t>(place - experiment_.plan.begin());
}

std::string Recorder::metric_rows(int64_t repeat, const Outcome& outcome) const {
  std::string rows;
  const auto& info = outcome.info;
  for (const auto& metric : experiment_.metrics) {
    for (const auto& score : outcome.scores) {
      if (score.metric != metric) continue;
      rows += fmt::format("{},{},{},{},{},{},{},{},{:.9g}\n", repeat, run_.seed, info.variant,
                          text_if_counted(info.labels), info.stage, text_if_counted(info.layers),
                          score.split, score.metric, score.value);
    }
  }
  return rows;
}

std::string Recorder::curve_rows(size_t repeat, size_t first) const {
  std::string rows;
  for (size_t i = first; i < curves_[repeat].size(); ++i)
    rows +=
        curve_row(fmt::format("{}", repeat), curves_[repeat][i], curves_[repeat][i].score.value);
  return rows;
}

std::string Recorder::all_curve_rows() const {
  std::string rows;
  for (size_t repeat = 0; repeat < curves_.size(); ++repeat) rows += curve_rows(repeat, 0);
  return rows;
}

std::string Recorder::mean_curve_rows() const {
  std::string rows;
  for (const auto& [point, interval] : mean_curves(experiment_.plan, curves_)) {
    rows += curve_row("mean", point, interval.mean);
    rows += curve_row("low", point, interval.low);
    rows += curve_row("high", point, interval.high);
  }
  return rows;
}

std::string Recorder::progress_label(int64_t repeat, const StageInfo& info) const {
  const auto label = experiment_.label(info);
  return run_.repeats > 1 ? fmt::format("repeat {}, {}", repeat, label) : label;
}

}  // namespace layerwise::apps
