#include "layerwise/study/recorder.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <fstream>
#include <limits>
#include <map>
#include <stdexcept>
#include <tuple>

#include <fmt/format.h>

#include "layerwise/file.h"
#include "layerwise/report/failure.h"
#include "layerwise/study/interrupt.h"
#include "layerwise/study/rows.h"
#include "layerwise/study/statistics.h"

namespace layerwise::study {

namespace {

constexpr auto metrics_header = "repeat,seed,variant,labels,stage,layers,split,metric,value";
constexpr auto troubles_header = "repeat,variant,labels,stage,layers,task,trouble,details";
constexpr auto start_anew = "the run cannot be resumed; start it anew in another folder (out)";
constexpr auto curves_header = "repeat,variant,labels,stage,epoch,step,split,metric,value";

/// Ends a repeat because another repeat failed.
struct Stopped : std::exception {
  const char* what() const noexcept override { return "stopped, as another repeat failed"; }
};

double work_of(const Study& study) {
  double work = 0;
  for (const auto& fit : study.plan) work += fit.work;
  return work;
}

Outcome not_reached(const PlannedFit& fit) {
  Outcome outcome{fit.info, {}, Trouble::not_reached, "not reached: an earlier fit diverged"};
  for (const auto& [split, metric] : fit.scores)
    outcome.scores.push_back({split, metric, std::numeric_limits<double>::quiet_NaN()});
  return outcome;
}

/// The count as text; empty if it is 0, where it is not counted.
std::string text_if_counted(int64_t count) {
  return count > 0 ? fmt::format("{}", count) : std::string();
}

int64_t whole_number_in(const std::string& field) {
  return std::strtoll(field.c_str(), nullptr, 10);
}

/// The part of a row of metrics.csv that identifies a value, and the value.
struct MetricRow {
  size_t repeat;
  StageInfo info;
  Score score;
};

std::vector<MetricRow> metric_rows_in(const std::filesystem::path& path) {
  std::vector<MetricRow> rows;
  for (const auto& row : read_rows(path, metrics_header)) {
    rows.push_back({static_cast<size_t>(whole_number_in(row[0])),
                    {whole_number_in(row[4]), whole_number_in(row[5]), row[2], Task::classification,
                     whole_number_in(row[3])},
                    {row[6], row[7], std::strtod(row[8].c_str(), nullptr)}});
  }
  return rows;
}

/// The index in the plan of the fit that a row of metrics.csv belongs to. The row does not name the
/// task, but its metric is reported only by fits of one task.
std::optional<size_t> place_of_row(const Plan& plan, const MetricRow& row) {
  for (size_t i = 0; i < plan.size(); ++i) {
    auto named = row.info;
    named.task = plan[i].info.task;
    const auto& scores = plan[i].scores;
    const bool has_score = std::any_of(scores.begin(), scores.end(), [&](const auto& score) {
      return score.first == row.score.split && score.second == row.score.metric;
    });
    if (named == plan[i].info && has_score) return i;
  }
  return std::nullopt;
}

std::string curve_row(const std::string& repeat, const CurvePoint& point, double value) {
  const auto& [info, epoch, step, score] = point;
  return fmt::format("{},{},{},{},{},{},{},{},{:.9g}\n", repeat, info.variant,
                     text_if_counted(info.labels), info.stage, epoch, step, score.split,
                     score.metric, plain_nan(value));
}

/// The index in the plan of the fit that a row of curves.csv belongs to. The row does not name the
/// task, but its metric is reported by fits of that task.
std::optional<size_t> place_of_curve(const Plan& plan, const std::vector<std::string>& row) {
  std::optional<size_t> first;
  for (size_t i = 0; i < plan.size(); ++i) {
    const auto& info = plan[i].info;
    if (info.stage != whole_number_in(row[3]) || info.variant != row[1] ||
        info.labels != whole_number_in(row[2]))
      continue;
    if (reports(plan[i], row[7])) return i;
    if (!first) first = i;
  }
  return first;
}

/// The same for a row of troubles.csv, which names everything.
std::optional<size_t> place_of_trouble(const Plan& plan, const std::vector<std::string>& row) {
  for (size_t i = 0; i < plan.size(); ++i) {
    const auto& info = plan[i].info;
    if (info.variant == row[1] && info.labels == whole_number_in(row[2]) &&
        info.stage == whole_number_in(row[3]) && info.layers == whole_number_in(row[4]) &&
        name_of(info.task) == row[5])
      return i;
  }
  return std::nullopt;
}

/// The number of rows of metrics.csv that a fit writes.
size_t row_count(const PlannedFit& fit, const std::vector<std::string>& metrics) {
  return static_cast<size_t>(
      std::count_if(fit.scores.begin(), fit.scores.end(), [&](const auto& score) {
        return std::find(metrics.begin(), metrics.end(), score.second) != metrics.end();
      }));
}

std::string table_of(const char* header, const std::string& rows) {
  return fmt::format("{}\n{}", header, rows);
}

/// A value as a CSV file holds it, so that a resumed run reads the value that it would have had.
double as_written(double value) {
  return std::strtod(fmt::format("{:.9g}", value).c_str(), nullptr);
}

Outcome outcome_of(const StageReport& report, const PlannedFit& fit) {
  Outcome outcome{report.info, {}};
  auto scores = report.result.scores;
  scores.insert(scores.end(), report.result.last_batch.begin(), report.result.last_batch.end());
  if (report.code) {
    const auto of_code = scores_of(*report.code);
    scores.insert(scores.end(), of_code.begin(), of_code.end());
  }
  for (const auto& [split, metric] : fit.scores) {
    const auto score = std::find_if(
        scores.begin(), scores.end(),
        [&, s = split, m = metric](const Score& x) { return x.split == s && x.metric == m; });
    if (score != scores.end()) outcome.scores.push_back({split, metric, as_written(score->value)});
  }
  if (report.result.diverged()) {
    outcome.trouble = Trouble::diverged;
    const auto epoch = report.result.fit.diverged_in;
    outcome.details =
        epoch > 0 ? fmt::format("diverged: not a number from epoch {} on", epoch) : "diverged";
  } else if (report.code && collapsed(*report.code, report.info.task)) {
    const auto& [units, dead, rank, effective_rank, lost] = *report.code;
    outcome.trouble = Trouble::collapsed;
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

bool holds_mean_curves(const std::filesystem::path& folder) {
  std::ifstream file(folder / "curves.csv");
  std::string header;
  std::string first;
  std::getline(file, header);
  std::getline(file, first);
  return header == curves_header && first.rfind("mean,", 0) == 0;
}

std::vector<Finished> fits_with_rows(const Plan& plan, const std::vector<std::string>& metrics,
                                     int64_t repeats, const std::filesystem::path& folder,
                                     Diverged diverged) {
  std::vector<Finished> may_diverge(static_cast<size_t>(repeats), Finished(plan.size(), false));
  if (diverged == Diverged::finished) {
    for (const auto& row : read_rows(folder / "troubles.csv", troubles_header)) {
      const auto place = place_of_trouble(plan, row);
      const auto repeat = static_cast<size_t>(whole_number_in(row[0]));
      if (place && repeat < may_diverge.size() && row[6] == name_of(Trouble::diverged))
        may_diverge[repeat][*place] = true;
    }
  }
  std::vector<std::vector<size_t>> rows(static_cast<size_t>(repeats),
                                        std::vector<size_t>(plan.size(), 0));
  for (const auto& row : metric_rows_in(folder / "metrics.csv")) {
    const auto place = place_of_row(plan, row);
    if (!place || row.repeat >= rows.size()) continue;
    if (std::isfinite(row.score.value) || may_diverge[row.repeat][*place])
      ++rows[row.repeat][*place];
  }
  std::vector<Finished> finished;
  for (const auto& counts : rows) {
    finished.emplace_back();
    for (size_t i = 0; i < plan.size(); ++i)
      finished.back().push_back(counts[i] > 0 && counts[i] == row_count(plan[i], metrics));
  }
  return finished;
}

Recorder::Recorder(const Study& study, const Settings& settings, const report::RunFolder& folder,
                   const std::vector<Finished>& finished)
    : study_(study),
      settings_(settings),
      progress_(report::Progress::style_for(stderr, settings.quiet),
                work_of(study) * static_cast<double>(settings.repeats)),
      metrics_path_(folder.file("metrics.csv")),
      curves_path_(folder.file("curves.csv")),
      troubles_path_(folder.file("troubles.csv")),
      curves_(static_cast<size_t>(settings.repeats)),
      done_(static_cast<size_t>(settings.repeats)) {
  std::vector<Outcome> nothing_yet;
  for (const auto& fit : study.plan) nothing_yet.push_back(not_reached(fit));
  results_.heavy_tailed = study.heavy_tailed;
  results_.repeats.assign(static_cast<size_t>(settings.repeats), nothing_yet);
  const auto any = [](const Finished& fits) {
    return std::find(fits.begin(), fits.end(), true) != fits.end();
  };
  const bool resumed = std::any_of(finished.begin(), finished.end(), any);
  if (resumed) {
    take_metrics(finished);
    take_troubles(finished);
    take_curves(finished);
  }
  metrics_file_.emplace(metrics_path_,
                        table_of(metrics_header, resumed ? all_metric_rows(Fits::reached) : ""));
  curves_file_.emplace(curves_path_, table_of(curves_header, all_curve_rows()));
  troubles_file_.emplace(troubles_path_, table_of(troubles_header, all_trouble_rows()));
  for (size_t i = 0; i < done_.size(); ++i) done_[i].curves_written = curves_[i].size();
}

bool Recorder::keeps_curves(int64_t repeat) const {
  return repeat == 0 || settings_.curves != Settings::Curves::first;
}

void Recorder::take_metrics(const std::vector<Finished>& finished) {
  for (const auto& row : metric_rows_in(metrics_path_)) {
    const auto& [repeat, named, score] = row;
    const auto place = place_of_row(study_.plan, row);
    if (!place || repeat >= finished.size() || !finished[repeat][*place]) continue;
    auto& outcome = results_.repeats[repeat][*place];
    if (outcome.trouble == Trouble::not_reached) outcome = {study_.plan[*place].info, {}};
    outcome.scores.push_back(score);
  }
  for (size_t repeat = 0; repeat < finished.size(); ++repeat) {
    for (size_t i = 0; i < study_.plan.size(); ++i) {
      if (!finished[repeat][i]) continue;
      const auto& fit = study_.plan[i];
      done_[repeat].work += fit.work;
      auto& outcome = results_.repeats[repeat][i];
      if (outcome.trouble != Trouble::none ||
          outcome.scores.size() != row_count(fit, study_.metrics)) {
        throw report::Failure(
            fmt::format("'{}' lacks rows of repeat {}, {}", metrics_path_.string(), repeat,
                        study_.report->label(fit.info)),
            start_anew);
      }
    }
  }
}

void Recorder::take_troubles(const std::vector<Finished>& finished) {
  for (const auto& row : read_rows(troubles_path_, troubles_header)) {
    const auto repeat = static_cast<size_t>(whole_number_in(row[0]));
    const auto place = place_of_trouble(study_.plan, row);
    if (!place || repeat >= finished.size() || !finished[repeat][*place]) continue;
    auto& outcome = results_.repeats[repeat][*place];
    outcome.trouble = row[6] == name_of(Trouble::diverged) ? Trouble::diverged : Trouble::collapsed;
    outcome.details = row[7];
    std::replace(outcome.details.begin(), outcome.details.end(), ';', ',');
  }
}

void Recorder::take_curves(const std::vector<Finished>& finished) {
  for (const auto& row : read_rows(curves_path_, curves_header)) {
    const auto repeat = static_cast<size_t>(whole_number_in(row[0]));
    const auto place = place_of_curve(study_.plan, row);
    if (!place || repeat >= finished.size() || !finished[repeat][*place]) continue;
    curves_[repeat].push_back({study_.plan[*place].info,
                               whole_number_in(row[4]),
                               whole_number_in(row[5]),
                               {row[6], row[7], std::strtod(row[8].c_str(), nullptr)}});
  }
  for (size_t repeat = 0; repeat < finished.size(); ++repeat) {
    for (size_t i = 0; i < study_.plan.size(); ++i) {
      const auto& fit = study_.plan[i];
      if (fit.curve_rows < 0 || !finished[repeat][i] || !keeps_curves(static_cast<int64_t>(repeat)))
        continue;
      const auto rows =
          std::count_if(curves_[repeat].begin(), curves_[repeat].end(),
                        [&](const CurvePoint& point) { return point.info == fit.info; });
      if (rows == fit.curve_rows) continue;
      throw report::Failure(
          fmt::format("'{}' has {} rows of repeat {}, {}, not {}", curves_path_.string(), rows,
                      repeat, study_.report->label(fit.info), fit.curve_rows),
          start_anew);
    }
  }
}

Observer Recorder::observer_of(int64_t repeat) {
  return {[this, repeat](const StageInfo& info, const FitView& view) {
            return on_progress(repeat, info, view);
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

Next Recorder::on_progress(int64_t repeat, const StageInfo& info, const FitView& view) {
  throw_if_interrupted();
  if (stopping_) throw Stopped{};
  if (view.step == 0) note_engine(repeat, view.engine.use());
  if (keeps_curves(repeat)) {
    const auto scores = study_.report->curve_scores(info, view);
    for (const auto& [split, name, value] : scores) {
      curves_[static_cast<size_t>(repeat)].push_back(
          {info, view.epoch, view.step, {split, name, as_written(value)}});
    }
    if (repeat == 0) {
      const auto line = study_.report->epoch_line(info, view, scores);
      if (!line.empty()) progress_.print(line + "\n");
    }
  }
  if (view.step > 0) {
    auto& done = done_[static_cast<size_t>(repeat)];
    const double now = study_.plan[place_of(info)].work * static_cast<double>(view.step) /
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
  const auto& fit = study_.plan[place];
  const auto outcome = outcome_of(report, fit);
  auto& done = done_[static_cast<size_t>(repeat)];
  // The rows of its metrics are what says that a fit is done, and come last.
  curves_file_->append(curve_rows(static_cast<size_t>(repeat), done.curves_written));
  done.curves_written = curves_[static_cast<size_t>(repeat)].size();
  results_.repeats[static_cast<size_t>(repeat)][place] = outcome;
  troubles_file_->append(trouble_row(repeat, outcome));
  metrics_file_->append(metric_rows(repeat, outcome));
  if (repeat == 0) {
    auto line = study_.report->line(outcome);
    if (!line.empty() && !outcome.details.empty()) line += fmt::format(" ({})", outcome.details);
    if (!line.empty()) progress_.print(line + "\n");
  }
  const auto label = progress_label(repeat, report.info);
  progress_.advance(label, fit.work - done.of_fit);
  done.work += fit.work;
  done.of_fit = 0;
  progress_.stage_done(label);
}

void Recorder::end_repeat(int64_t repeat) {
  const double missing = work_of(study_) - done_[static_cast<size_t>(repeat)].work;
  progress_.advance(fmt::format("repeat {} done", repeat), missing);
}

void Recorder::finish() {
  progress_.print("");
  report::write_run_file(metrics_path_, table_of(metrics_header, all_metric_rows(Fits::all)));
  report::write_run_file(curves_path_, table_of(curves_header, all_curve_rows()));
  report::write_run_file(troubles_path_, table_of(troubles_header, all_trouble_rows()));
}

void Recorder::write_mean_curves() {
  if (settings_.curves != Settings::Curves::mean || settings_.repeats == 1) return;
  report::write_run_file(curves_path_, table_of(curves_header, mean_curve_rows()));
}

template <typename TextOf>
std::string Recorder::text_of_outcomes(TextOf text_of) const {
  std::string rows;
  for (size_t repeat = 0; repeat < results_.repeats.size(); ++repeat) {
    for (const auto& outcome : results_.repeats[repeat])
      rows += text_of(static_cast<int64_t>(repeat), outcome);
  }
  return rows;
}

std::string Recorder::all_metric_rows(Fits which) const {
  return text_of_outcomes([&](int64_t repeat, const Outcome& outcome) {
    const bool left_out = which == Fits::reached && outcome.trouble == Trouble::not_reached;
    return left_out ? std::string() : metric_rows(repeat, outcome);
  });
}

size_t Recorder::place_of(const StageInfo& info) const {
  const auto place = std::find_if(study_.plan.begin(), study_.plan.end(),
                                  [&](const PlannedFit& fit) { return fit.info == info; });
  if (place == study_.plan.end())
    throw std::logic_error(fmt::format("a fit that was not planned: stage {}, {} {}", info.stage,
                                       name_of(info.task), info.variant));
  return static_cast<size_t>(place - study_.plan.begin());
}

std::string Recorder::metric_rows(int64_t repeat, const Outcome& outcome) const {
  std::string rows;
  const auto& info = outcome.info;
  for (const auto& metric : study_.metrics) {
    for (const auto& score : outcome.scores) {
      if (score.metric != metric) continue;
      rows += fmt::format("{},{},{},{},{},{},{},{},{:.9g}\n", repeat, settings_.seed, info.variant,
                          text_if_counted(info.labels), info.stage, text_if_counted(info.layers),
                          score.split, score.metric, score.value);
    }
  }
  return rows;
}

std::string Recorder::trouble_row(int64_t repeat, const Outcome& outcome) const {
  const auto& info = outcome.info;
  if (outcome.trouble == Trouble::none || outcome.trouble == Trouble::not_reached) return {};
  auto details = outcome.details;
  std::replace(details.begin(), details.end(), ',', ';');
  return fmt::format("{},{},{},{},{},{},{},{}\n", repeat, info.variant,
                     text_if_counted(info.labels), info.stage, text_if_counted(info.layers),
                     name_of(info.task), name_of(outcome.trouble), details);
}

std::string Recorder::all_trouble_rows() const {
  return text_of_outcomes(
      [this](int64_t repeat, const Outcome& outcome) { return trouble_row(repeat, outcome); });
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
  for (const auto& [point, interval] : mean_curves(study_.plan, curves_)) {
    rows += curve_row("mean", point, interval.mean);
    rows += curve_row("low", point, interval.low);
    rows += curve_row("high", point, interval.high);
  }
  return rows;
}

std::string Recorder::progress_label(int64_t repeat, const StageInfo& info) const {
  const auto label = study_.report->label(info);
  return settings_.repeats > 1 ? fmt::format("repeat {}, {}", repeat, label) : label;
}

}  // namespace layerwise::study
