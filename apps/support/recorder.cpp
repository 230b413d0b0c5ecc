#include "support/recorder.h"

#include <algorithm>
#include <cstdio>
#include <limits>
#include <stdexcept>

#include <fmt/format.h>

#include "support/interrupt.h"

namespace layerwise::apps {

namespace {

constexpr auto metrics_header = "repeat,seed,variant,labels,stage,layers,split,metric,value";
constexpr auto curves_header = "repeat,variant,labels,stage,epoch,step,split,metric,value";

/// Another repeat failed, and this one ends for it.
struct Stopped {};

double epochs_of(const BlobsProgram& program) {
  double epochs = 0;
  for (const auto& fit : program.plan) epochs += static_cast<double>(fit.epochs);
  return epochs;
}

Outcome not_reached(const StageInfo& info) {
  Outcome outcome{info, {}, "not reached", "not reached: an earlier fit diverged"};
  const auto objective = info.task == "reconstruction" ? reconstruction() : classification();
  for (const auto* split : {"train", "test"}) {
    for (const auto& metric : objective.metrics) {
      outcome.scores.push_back({split, metric.name, std::numeric_limits<double>::quiet_NaN()});
    }
  }
  return outcome;
}

/// A classifier needs more than one direction, an autoencoder nearly all of its input.
bool collapsed(const CodeStatistics& code, const StageInfo& info) {
  constexpr double most_lost = 0.1;
  const bool reconstructs = info.task == "reconstruction";
  return code.rank == 0 ||
         (reconstructs ? code.lost > most_lost : code.rank == 1 && code.units > 1);
}

Outcome outcome_of(const StageReport& report) {
  Outcome outcome{report.info, report.result.scores, "", ""};
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

Recorder::Recorder(const BlobsProgram& program, const RunOptions& run,
                   const report::RunFolder& folder)
    : program_(program),
      run_(run),
      progress_(report::Progress::style_for(stderr, run.quiet),
                epochs_of(program) * static_cast<double>(run.repeats)),
      metrics_path_(folder.file("metrics.csv")),
      metrics_file_(metrics_path_, metrics_header),
      curves_file_(folder.file("curves.csv"), curves_header),
      epochs_done_(static_cast<size_t>(run.repeats)) {
  std::vector<Outcome> nothing_yet;
  for (const auto& fit : program.plan) nothing_yet.push_back(not_reached(fit.info));
  study_.repeats.assign(static_cast<size_t>(run.repeats), nothing_yet);
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
    for (const auto& score : view.engine.evaluate()) {
      curves_.push_back({info, view.epoch, view.engine.steps(), score});
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
  const auto outcome = outcome_of(report);
  study_.repeats[static_cast<size_t>(repeat)][place_of(report.info)] = outcome;
  metrics_file_.append(metric_rows(repeat, outcome));
  if (repeat == 0) {
    curves_file_.append(curve_rows_since(curves_written_));
    curves_written_ = curves_.size();
    progress_.print(fmt::format("{}{}\n", program_.line(outcome),
                                outcome.details.empty() ? "" : " (" + outcome.details + ")"));
  }
  progress_.stage_done(progress_label(repeat, report.info));
}

void Recorder::end_repeat(int64_t repeat) {
  const double missing = epochs_of(program_) - epochs_done_[static_cast<size_t>(repeat)];
  progress_.advance(fmt::format("repeat {} done", repeat), missing);
}

void Recorder::finish() {
  progress_.print("");
  std::string rows = std::string(metrics_header) + "\n";
  for (size_t repeat = 0; repeat < study_.repeats.size(); ++repeat) {
    for (const auto& outcome : study_.repeats[repeat])
      rows += metric_rows(static_cast<int64_t>(repeat), outcome);
  }
  report::write_whole(metrics_path_, rows);
}

size_t Recorder::place_of(const StageInfo& info) const {
  const auto place = std::find_if(program_.plan.begin(), program_.plan.end(),
                                  [&](const PlannedFit& fit) { return fit.info == info; });
  if (place == program_.plan.end())
    throw std::logic_error("a fit that was not planned: " + info.variant + info.task);
  return static_cast<size_t>(place - program_.plan.begin());
}

std::string Recorder::metric_rows(int64_t repeat, const Outcome& outcome) const {
  std::string rows;
  for (const auto& metric : program_.metrics) {
    for (const auto& score : outcome.scores) {
      if (score.metric != metric) continue;
      rows += fmt::format("{},{},{},,{},{},{},{},{:.9g}\n", repeat, run_.seed, outcome.info.variant,
                          outcome.info.stage, outcome.info.layers, score.split, score.metric,
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
  const auto label = fmt::format("layers {}, {}{}{}", info.layers, info.task,
                                 info.variant.empty() ? "" : ", ", info.variant);
  return run_.repeats > 1 ? fmt::format("repeat {}, {}", repeat, label) : label;
}

}  // namespace layerwise::apps
