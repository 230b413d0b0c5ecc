#include "layerwise/study/recorder.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <fstream>
#include <functional>
#include <map>
#include <stdexcept>
#include <string_view>

#include <fmt/format.h>

#include "layerwise/file.h"
#include "layerwise/report/failure.h"
#include "layerwise/study/interrupt.h"
#include "layerwise/study/rows.h"
#include "layerwise/study/statistics.h"

namespace layerwise::study {

namespace {

constexpr auto start_anew = "the run cannot be resumed; start it anew in another folder (out)";

/// Ends a repeat because another repeat failed.
struct Stopped : std::exception {
  const char* what() const noexcept override { return "stopped, as another repeat failed"; }
};

double work_of(const Study& study) {
  double work = 0;
  for (const auto& fit : study.plan) work += fit.work;
  return work;
}

/// The count as text; empty if it is 0, where it is not counted.
std::string text_if_counted(int64_t count) {
  return count > 0 ? fmt::format("{}", count) : std::string();
}

int64_t whole_number_in(std::string_view field) {
  int64_t number = 0;
  std::from_chars(field.data(), field.data() + field.size(), number);
  return number;
}

/// What identifies a value among those of a repeat, as in a row of metrics.csv:
/// `variant,labels,stage,layers,split,metric`.
/// When a fit that early stopping watched was best; empty for other fits.
std::string when_best(const FitResult& fit) {
  if (!fit.best_step) return {};
  return *fit.best_step == 0
             ? " (best before the first step)"
             : fmt::format(" (best after step {} of {})", *fit.best_step, fit.steps);
}

std::string metric_key(const StageInfo& info, const std::string& split, const std::string& metric) {
  return fmt::format("{},{},{},{},{},{}", info.variant, text_if_counted(info.labels), info.stage,
                     text_if_counted(info.layers), split, metric);
}

/// Finds the fits that rows of metrics.csv belong to. A row does not name the task, but its metric
/// is reported only by fits of one task.
class MetricRows {
 public:
  explicit MetricRows(const Plan& plan) {
    for (size_t i = 0; i < plan.size(); ++i) {
      for (const auto& [split, metric] : plan[i].scores)
        places_.emplace(metric_key(plan[i].info, split, metric), i);
    }
  }
  /// The index in the plan.
  std::optional<size_t> place_of(const Fields& row) const {
    const auto* begin = row[2].data();
    const auto place = places_.find(std::string_view(begin, row[8].data() - begin - 1));
    return place == places_.end() ? std::nullopt : std::optional(place->second);
  }

 private:
  std::map<std::string, size_t, std::less<>> places_;
};

bool any_of(const Finished& fits) {
  return std::find(fits.begin(), fits.end(), true) != fits.end();
}

double number_in(std::string_view last_field) {
  return std::strtod(last_field.data(), nullptr);
}

/// The index of the repeat that a row belongs to, if it is one of these.
std::optional<size_t> index_in(const Settings& settings, const Fields& row) {
  const auto index = whole_number_in(row[0]) - settings.first_repeat;
  return index >= 0 && index < settings.repeats ? std::optional(static_cast<size_t>(index))
                                                : std::nullopt;
}

std::string curve_row(const std::string& repeat, const CurvePoint& point, double value) {
  const auto& [info, epoch, step, score] = point;
  return fmt::format("{},{},{},{},{},{},{},{},{:.9g}\n", repeat, info.variant,
                     text_if_counted(info.labels), info.stage, epoch, step, score.split,
                     score.metric, plain_nan(value));
}

/// The index in the plan of the fit that a row of curves.csv belongs to. The row does not name the
/// task, but its metric is reported by fits of that task.
std::optional<size_t> place_of_curve(const Plan& plan, const Fields& row) {
  std::optional<size_t> first;
  for (size_t i = 0; i < plan.size(); ++i) {
    const auto& info = plan[i].info;
    if (info.stage != whole_number_in(row[3]) || info.variant != row[1] ||
        info.labels != whole_number_in(row[2]))
      continue;
    if (reports(plan[i], std::string(row[7]))) return i;
    if (!first) first = i;
  }
  return first;
}

/// The same for a row of troubles.csv, which names everything.
std::optional<size_t> place_of_trouble(const Plan& plan, const Fields& row) {
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

Outcome outcome_of(const StageReport& report, const PlannedFit& fit) {
  Outcome outcome{report.info, {}};
  auto scores = report.result.scores;
  scores.insert(scores.end(), report.result.last_batch.begin(), report.result.last_batch.end());
  if (report.code) {
    for (auto score : scores_of(*report.code)) {
      if (report.result.diverged()) score.value = std::numeric_limits<double>::quiet_NaN();
      scores.push_back(score);
    }
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

/// A plan with those of its scores alone that have one of the metrics.
Plan with_metrics(Plan plan, const std::vector<std::string>& metrics) {
  for (auto& fit : plan) {
    std::erase_if(fit.scores, [&](const auto& score) {
      return std::find(metrics.begin(), metrics.end(), score.second) == metrics.end();
    });
  }
  return plan;
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

std::vector<Finished> diverged_fits(const Plan& plan, const Settings& settings,
                                    const std::filesystem::path& folder) {
  std::vector<Finished> diverged(static_cast<size_t>(settings.repeats), Finished(plan.size()));
  for_each_row(folder / "troubles.csv", troubles_header, LastRow::may_be_cut,
               [&](const Fields& row) {
                 const auto repeat = index_in(settings, row);
                 const auto place = place_of_trouble(plan, row);
                 if (repeat && place && row[6] == name_of(Trouble::diverged))
                   diverged[*repeat][*place] = true;
               });
  return diverged;
}

std::vector<Finished> fits_with_rows(const Plan& plan, const std::vector<std::string>& metrics,
                                     const Settings& settings, const std::filesystem::path& folder,
                                     Diverged diverged) {
  const auto repeats = static_cast<size_t>(settings.repeats);
  std::vector<bool> may_lack_values(repeats);
  if (diverged == Diverged::finished) {
    const auto fits = diverged_fits(plan, settings, folder);
    std::transform(fits.begin(), fits.end(), may_lack_values.begin(), any_of);
  }
  std::vector<std::vector<size_t>> rows(repeats, std::vector<size_t>(plan.size(), 0));
  const MetricRows known(plan);
  for_each_row(folder / "metrics.csv", metrics_header, LastRow::may_be_cut, [&](const Fields& row) {
    const auto repeat = index_in(settings, row);
    const auto place = known.place_of(row);
    if (repeat && place && (may_lack_values[*repeat] || std::isfinite(number_in(row[8]))))
      ++rows[*repeat][*place];
  });
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
      finished_(finished),
      progress_(report::Progress::style_for(stderr, settings.quiet),
                work_of(study) * static_cast<double>(settings.repeats)),
      metrics_path_(folder.file("metrics.csv")),
      curves_path_(folder.file("curves.csv")),
      troubles_path_(folder.file("troubles.csv")),
      results_(with_metrics(study.plan, study.metrics), finished.size()),
      curves_(finished.size()),
      done_(finished.size()) {
  results_.first_repeat = settings.first_repeat;
  results_.comparable = study.published.changed.empty();
  results_.heavy_tailed = study.heavy_tailed;
  if (std::any_of(finished.begin(), finished.end(), any_of)) {
    take_metrics();
    take_troubles();
    take_curves();
  }
  metrics_file_.emplace(metrics_path_, metrics_table(/*every_fit=*/false));
  curves_file_.emplace(curves_path_, curves_table());
  troubles_file_.emplace(troubles_path_, troubles_table());
  for (size_t i = 0; i < done_.size(); ++i) done_[i].curves_written = curves_[i].size();
}

void Recorder::begin(RunDescription& description) {
  description_ = &description;
  double finished = 0;
  for (const auto& repeat : done_) finished += repeat.work;
  progress_.begin(finished);
}

bool Recorder::keeps_curves(int64_t repeat) const {
  return repeat == 0 || settings_.curves != Settings::Curves::first;
}

void Recorder::take_metrics() {
  const auto& plan = study_.plan;
  const MetricRows known(plan);
  std::vector<std::vector<size_t>> rows(finished_.size(), std::vector<size_t>(plan.size(), 0));
  for_each_row(metrics_path_, metrics_header, LastRow::may_be_cut, [&](const Fields& row) {
    const auto repeat = index_in(settings_, row);
    const auto place = known.place_of(row);
    if (!repeat || !place || !finished_[*repeat][*place]) return;
    ++rows[*repeat][*place];
    const double value = number_in(row[8]);
    const bool reached =
        std::isfinite(value) || results_.repeats[*repeat].troubles[*place] == Trouble::none;
    results_.set(*repeat, {plan[*place].info,
                           {{std::string(row[6]), std::string(row[7]), value}},
                           reached ? Trouble::none : Trouble::not_reached});
  });
  for (size_t repeat = 0; repeat < finished_.size(); ++repeat) {
    for (size_t i = 0; i < plan.size(); ++i) {
      if (!finished_[repeat][i]) continue;
      done_[repeat].work += plan[i].work;
      if (rows[repeat][i] == row_count(plan[i], study_.metrics)) continue;
      throw report::Failure(fmt::format("'{}' lacks rows of repeat {}, {}", metrics_path_.string(),
                                        settings_.first_repeat + static_cast<int64_t>(repeat),
                                        study_.report->label(plan[i].info)),
                            start_anew);
    }
  }
}

void Recorder::take_troubles() {
  for_each_row(troubles_path_, troubles_header, LastRow::may_be_cut, [&](const Fields& row) {
    const auto repeat = index_in(settings_, row);
    const auto place = place_of_trouble(study_.plan, row);
    if (!repeat || !place || !finished_[*repeat][*place]) return;
    std::string details(row[7]);
    std::replace(details.begin(), details.end(), ';', ',');
    const bool diverged = row[6] == name_of(Trouble::diverged);
    results_.set(
        *repeat,
        {study_.plan[*place].info, {}, diverged ? Trouble::diverged : Trouble::collapsed, details});
  });
}

void Recorder::take_curves() {
  for_each_row(curves_path_, curves_header, LastRow::may_be_cut, [&](const Fields& row) {
    const auto repeat = index_in(settings_, row);
    const auto place = place_of_curve(study_.plan, row);
    if (!repeat || !place || !finished_[*repeat][*place]) return;
    curves_[*repeat].push_back({study_.plan[*place].info,
                                whole_number_in(row[4]),
                                whole_number_in(row[5]),
                                {std::string(row[6]), std::string(row[7]), number_in(row[8])}});
  });
  for (size_t index = 0; index < finished_.size(); ++index) {
    const auto repeat = settings_.first_repeat + static_cast<int64_t>(index);
    for (size_t i = 0; i < study_.plan.size(); ++i) {
      const auto& fit = study_.plan[i];
      if (fit.curve_rows < 0 || !finished_[index][i] || !keeps_curves(repeat)) continue;
      const auto rows =
          std::count_if(curves_[index].begin(), curves_[index].end(),
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

void Recorder::note_engine(const EngineUse& use) {
  const std::lock_guard lock(mutex_);
  if (std::find(engines_.begin(), engines_.end(), use) != engines_.end()) return;
  engines_.push_back(use);
  description_->note_engine(use);
  progress_.note(fmt::format("engine {}{}{}\n", use.name,
                             use.details.empty() ? "" : fmt::format(" ({})", use.details),
                             use.reason.empty() ? "" : fmt::format(": {}", use.reason)));
}

void Recorder::note_features(const StageInfo& info, const std::string& kept) {
  if (kept.empty()) return;
  const std::lock_guard lock(mutex_);
  const auto features = fmt::format("{}: {}", study_.report->label(info), kept);
  description_->note_features(features);
  progress_.note(features + "\n");
}

Next Recorder::on_progress(int64_t repeat, const StageInfo& info, const FitView& view) {
  throw_if_interrupted();
  if (stopping_) throw Stopped{};
  if (view.step == 0) note_engine(view.engine.use());
  const bool first = repeat == settings_.first_repeat;
  if (first && view.step == 0) note_features(info, view.engine.features());
  if (first || keeps_curves(repeat)) {
    const auto scores = study_.report->curve_scores(info, view);
    if (keeps_curves(repeat)) {
      for (const auto& [split, name, value] : scores) {
        curves_[index_of(repeat)].push_back(
            {info, view.epoch, view.step, {split, name, as_written(value)}});
      }
    }
    if (first) print_line(study_.report->epoch_line(info, view, scores));
  }
  if (view.step > 0) {
    auto& done = done_[index_of(repeat)];
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
  const auto index = index_of(repeat);
  auto& done = done_[index];
  // The rows of its metrics are what says that a fit is done, and come last.
  curves_file_->append(curve_rows(index, done.curves_written));
  done.curves_written = curves_[index].size();
  results_.set(index, outcome);
  troubles_file_->append(trouble_row(repeat, outcome));
  metrics_file_->append(metric_rows(repeat, results_.outcome(index, report.info)));
  if (repeat == settings_.first_repeat) {
    auto line = study_.report->line(outcome);
    if (!line.empty() && !outcome.details.empty()) line += fmt::format(" ({})", outcome.details);
    if (!line.empty()) line += when_best(report.result.fit);
    print_line(line);
  }
  const auto label = progress_label(repeat, report.info);
  progress_.advance(label, fit.work - done.of_fit);
  done.work += fit.work;
  done.of_fit = 0;
  progress_.stage_done(label);
}

void Recorder::print_line(const std::string& line) {
  if (line.empty()) return;
  progress_.print(line + "\n");
  lines_printed_ = true;
}

void Recorder::end_repeat(int64_t repeat) {
  const std::lock_guard lock(mutex_);
  const auto index = index_of(repeat);
  std::string rows;
  for (size_t place = 0; place < study_.plan.size(); ++place) {
    if (!has_rows(index, place))
      rows += metric_rows(repeat, results_.outcome(index, study_.plan[place].info));
  }
  metrics_file_->append(rows);
  progress_.advance(fmt::format("repeat {} done", repeat), work_of(study_) - done_[index].work);
}

bool Recorder::has_rows(size_t index, size_t place) const {
  return finished_[index][place] || results_.repeats[index].troubles[place] != Trouble::not_reached;
}

void Recorder::finish() {
  progress_.print(
      lines_printed_ && settings_.repeats > 1
          ? fmt::format("(the lines above are those of repeat {})\n", settings_.first_repeat)
          : std::string());
  report::write_run_file(metrics_path_, metrics_table(/*every_fit=*/true));
  sort_curves();
  report::write_run_file(curves_path_, curves_table());
  report::write_run_file(troubles_path_, troubles_table());
}

/// Into the order of the plan, in which joined parts of a study do not have them.
void Recorder::sort_curves() {
  for (auto& points : curves_) {
    std::vector<std::pair<size_t, CurvePoint>> placed;
    placed.reserve(points.size());
    for (auto& point : points) placed.emplace_back(place_of(point.info), std::move(point));
    std::stable_sort(placed.begin(), placed.end(),
                     [](const auto& a, const auto& b) { return a.first < b.first; });
    points.clear();
    for (auto& [place, point] : placed) points.push_back(std::move(point));
  }
}

void Recorder::write_mean_curves() {
  if (settings_.curves != Settings::Curves::mean || settings_.shard || settings_.repeats == 1)
    return;
  report::write_run_file(curves_path_, fmt::format("{}\n{}", curves_header, mean_curve_rows()));
}

/// @param every_fit also those that have no rows yet
Pieces Recorder::metrics_table(bool every_fit) const {
  return [this, every_fit](const auto& add) {
    add(fmt::format("{}\n", metrics_header));
    for (size_t index = 0; index < results_.repeats.size(); ++index) {
      for (size_t place = 0; place < study_.plan.size(); ++place) {
        if (every_fit || has_rows(index, place))
          add(metric_rows(settings_.first_repeat + static_cast<int64_t>(index),
                          results_.outcome(index, study_.plan[place].info)));
      }
    }
  };
}

Pieces Recorder::troubles_table() const {
  return [this](const auto& add) {
    add(fmt::format("{}\n", troubles_header));
    for (size_t index = 0; index < results_.repeats.size(); ++index) {
      for (const auto& outcome : results_.outcomes(index))
        add(trouble_row(settings_.first_repeat + static_cast<int64_t>(index), outcome));
    }
  };
}

Pieces Recorder::curves_table() const {
  return [this](const auto& add) {
    add(fmt::format("{}\n", curves_header));
    for (size_t index = 0; index < curves_.size(); ++index) add(curve_rows(index, 0));
  };
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
  for (const auto& metric : study_.metrics) {
    for (const auto& score : outcome.scores) {
      if (score.metric != metric) continue;
      rows += fmt::format("{},{},{},{:.9g}\n", repeat, settings_.seed,
                          metric_key(outcome.info, score.split, score.metric), score.value);
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

std::string Recorder::curve_rows(size_t index, size_t first) const {
  const auto repeat = fmt::format("{}", settings_.first_repeat + static_cast<int64_t>(index));
  std::string rows;
  for (size_t i = first; i < curves_[index].size(); ++i)
    rows += curve_row(repeat, curves_[index][i], curves_[index][i].score.value);
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
  return settings_.has_several_repeats() ? fmt::format("repeat {}, {}", repeat, label) : label;
}

}  // namespace layerwise::study
