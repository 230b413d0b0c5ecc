#include "support/recorder.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <limits>
#include <sstream>
#include <stdexcept>

#include <fmt/format.h>

#include "layerwise/file.h"
#include "layerwise/report/failure.h"

#include "support/interrupt.h"

namespace layerwise::apps {

namespace {

constexpr auto metrics_header = "repeat,seed,variant,labels,stage,layers,split,metric,value";
constexpr auto curves_header = "repeat,variant,labels,stage,epoch,step,split,metric,value";

/// Another repeat failed, and this one ends for it.
struct Stopped {};

double epochs_of(const Experiment& experiment) {
  double epochs = 0;
  for (const auto& fit : experiment.plan) epochs += static_cast<double>(fit.epochs);
  return epochs;
}

Outcome not_reached(const PlannedFit& fit) {
  Outcome outcome{fit.info, {}, "not reached", "not reached: an earlier fit diverged"};
  for (const auto& [split, metric] : fit.scores)
    outcome.scores.push_back({split, metric, std::numeric_limits<double>::quiet_NaN()});
  return outcome;
}

/// The rows of a table that a run left, each cut at its commas.
std::vector<std::vector<std::string>> rows_of(const std::filesystem::path& path,
                                              const std::string& header) {
  constexpr auto hint = "the run cannot be resumed; start it anew with another --out";
  std::istringstream stream;
  try {
    stream.str(read_file(path));
  } catch (const FileError& error) {
    throw report::Failure(error.what(), hint);
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
    throw report::Failure(fmt::format("'{}' is not as this program wrote it", path.string()), hint);
  }
  return rows;
}

/// Empty where layers are not what is counted.
std::string layers_text(const StageInfo& info) {
  return info.layers > 0 ? fmt::format("{}", info.layers) : std::string();
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
    if (score != scores.end()) outcome.scores.push_back(*score);
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

Recorder::Recorder(const Experiment& experiment, const RunOptions& run,
                   const report::RunFolder& folder, const std::vector<int64_t>& stages_done)
    : experiment_(experiment),
      run_(run),
      progress_(report::Progress::style_for(stderr, run.quiet),
                epochs_of(experiment) * static_cast<double>(run.repeats)),
      metrics_path_(folder.file("metrics.csv")),
      curves_path_(folder.file("curves.csv")),
      epochs_done_(static_cast<size_t>(run.repeats)) {
  std::vector<Outcome> nothing_yet;
  for (const auto& fit : experiment.plan) nothing_yet.push_back(not_reached(fit));
  study_.heavy_tailed = experiment.heavy_tailed;
  study_.repeats.assign(static_cast<size_t>(run.repeats), nothing_yet);
  const bool resumed = std::any_of(stages_done.begin(), stages_done.end(),
                                   [](int64_t stages) { return stages > 0; });
  if (resumed) take_metrics(stages_done);
  if (stages_done[0] > 0) take_curves(stages_done[0]);
  metrics_file_.emplace(metrics_path_,
                        std::string(metrics_header) + "\n" + (resumed ? reached_rows() : ""));
  curves_file_.emplace(curves_path_, std::string(curves_header) + "\n" + curve_rows_since(0));
  curves_written_ = curves_.size();
}

void Recorder::take_metrics(const std::vector<int64_t>& stages_done) {
  for (const auto& row : rows_of(metrics_path_, metrics_header)) {
    const auto repeat = static_cast<size_t>(std::strtoull(row[0].c_str(), nullptr, 10));
    const auto stage = std::strtoll(row[4].c_str(), nullptr, 10);
    for (size_t i = 0; i < experiment_.plan.size(); ++i) {
      const auto& info = experiment_.plan[i].info;
      const bool meant = info.stage == stage && info.variant == row[2] && info.variant != "whole";
      if (!meant || repeat >= stages_done.size() || stage > stages_done[repeat]) continue;
      auto& outcome = study_.repeats[repeat][i];
      if (!outcome.trouble.empty()) outcome = {info, {}, "", ""};
      outcome.scores.push_back({row[6], row[7], std::strtod(row[8].c_str(), nullptr)});
    }
  }
  for (size_t repeat = 0; repeat < stages_done.size(); ++repeat) {
    for (size_t i = 0; i < experiment_.plan.size(); ++i) {
      const auto& info = experiment_.plan[i].info;
      if (info.variant == "whole" || info.stage > stages_done[repeat]) continue;
      epochs_done_[repeat] += static_cast<double>(experiment_.plan[i].epochs);
      const auto& outcome = study_.repeats[repeat][i];
      const bool whole = outcome.scores.size() == experiment_.plan[i].scores.size();
      if (outcome.trouble.empty() && whole) continue;
      throw report::Failure(fmt::format("'{}' lacks rows of repeat {}, stage {}",
                                        metrics_path_.string(), repeat, info.stage),
                            "the run cannot be resumed; start it anew with another --out");
    }
  }
}

void Recorder::take_curves(int64_t stages_done) {
  for (const auto& row : rows_of(curves_path_, curves_header)) {
    const auto stage = std::strtoll(row[3].c_str(), nullptr, 10);
    if (stage > stages_done) continue;
    curves_.push_back({{stage, 0, row[1], "reconstruction"},
                       std::strtoll(row[4].c_str(), nullptr, 10),
                       std::strtoll(row[5].c_str(), nullptr, 10),
                       {row[6], row[7], std::strtod(row[8].c_str(), nullptr)}});
  }
  for (const auto& fit : experiment_.plan) {
    if (fit.epochs == 0 || fit.info.stage > stages_done) continue;
    const auto rows_at = [&](int64_t epoch) {
      return std::count_if(curves_.begin(), curves_.end(), [&](const CurvePoint& point) {
        return point.info == fit.info && point.epoch == epoch;
      });
    };
    const auto planned = [&](const char* split) {
      return std::count_if(fit.scores.begin(), fit.scores.end(),
                           [&](const auto& score) { return score.first == split; });
    };
    for (int64_t epoch = 0; epoch <= fit.epochs; ++epoch) {
      const auto rows = planned("validation") + (epoch > 0 ? planned("last_batch") : 0);
      if (rows_at(epoch) == rows) continue;
      throw report::Failure(fmt::format("'{}' lacks rows of stage {}, epoch {}",
                                        curves_path_.string(), fit.info.stage, epoch),
                            "the run cannot be resumed; start it anew with another --out");
    }
  }
}

Observer Recorder::observer_of(int64_t repeat) {
  return {[this, repeat](const StageInfo& info, const FitView& view) {
            return on_epoch(repeat, info, view);
          },
          [this, repeat](const StageReport& report) { on_stage(repeat, report); }};
}

Next Recorder::on_epoch(int64_t repeat, const StageInfo& info, const FitView& view) {
  throw_if_interrupted();
  if (stopping_) throw Stopped{};
  if (repeat == 0) {
    const auto scores = experiment_.curve_scores(view);
    for (const auto& score : scores)
      curves_.push_back({info, view.epoch, view.engine.steps(), score});
    if (experiment_.epoch_line) {
      const auto line = experiment_.epoch_line(info, view, scores);
      if (!line.empty()) progress_.print(line + "\n");
    }
  }
  if (view.epoch > 0) {
    ++epochs_done_[static_cast<size_t>(repeat)];
    progress_.advance(
        fmt::format("{}, epoch {} of {}", progress_label(repeat, info), view.epoch, view.epochs),
        1);
  }
  return Next::go_on;
}

void Recorder::on_stage(int64_t repeat, const StageReport& report) {
  const std::lock_guard lock(mutex_);
  const auto place = place_of(report.info);
  const auto outcome = outcome_of(report, experiment_.plan[place]);
  study_.repeats[static_cast<size_t>(repeat)][place] = outcome;
  metrics_file_->append(metric_rows(repeat, outcome));
  if (repeat == 0) {
    curves_file_->append(curve_rows_since(curves_written_));
    curves_written_ = curves_.size();
    auto line = experiment_.line(outcome);
    if (!outcome.details.empty())
      line += fmt::format("{}({})", line.empty() ? "" : " ", outcome.details);
    if (!line.empty()) progress_.print(line + "\n");
  }
  progress_.stage_done(progress_label(repeat, report.info));
}

void Recorder::end_repeat(int64_t repeat) {
  const double missing = epochs_of(experiment_) - epochs_done_[static_cast<size_t>(repeat)];
  progress_.advance(fmt::format("repeat {} done", repeat), missing);
}

void Recorder::finish() {
  progress_.print("");
  report::write_whole(metrics_path_, std::string(metrics_header) + "\n" + all_metric_rows());
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
      if (outcome.trouble.empty()) rows += metric_rows(static_cast<int64_t>(repeat), outcome);
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
  for (const auto& metric : experiment_.metrics) {
    for (const auto& score : outcome.scores) {
      if (score.metric != metric) continue;
      rows += fmt::format("{},{},{},,{},{},{},{},{:.9g}\n", repeat, run_.seed, outcome.info.variant,
                          outcome.info.stage, layers_text(outcome.info), score.split, score.metric,
                          score.value);
    }
  }
  return rows;
}

std::string Recorder::curve_rows_since(size_t first) const {
  std::string rows;
  for (size_t i = first; i < curves_.size(); ++i) {
    const auto& [info, epoch, step, score] = curves_[i];
    rows += fmt::format("0,{},,{},{},{},{},{},{:.9g}\n", info.variant, info.stage, epoch, step,
                        score.split, score.metric, score.value);
  }
  return rows;
}

std::string Recorder::progress_label(int64_t repeat, const StageInfo& info) const {
  if (info.layers == 0 && !info.variant.empty()) {
    const auto label = info.variant == "whole" ? "whole chain" : "fine-tuning";
    return run_.repeats > 1 ? fmt::format("repeat {}, {}", repeat, label) : label;
  }
  const auto what = info.layers > 0 ? fmt::format("layers {}, {}", info.layers, info.task)
                                    : fmt::format("phase {}", info.stage);
  const auto label = fmt::format("{}{}{}", what, info.variant.empty() ? "" : ", ", info.variant);
  return run_.repeats > 1 ? fmt::format("repeat {}, {}", repeat, label) : label;
}

}  // namespace layerwise::apps
