#include "layerwise/study/figures.h"

#include <algorithm>
#include <cmath>
#include <iterator>
#include <limits>

#include <fmt/format.h>

#include "layerwise/report/statistics.h"

namespace layerwise::study {

namespace {

using report::Series;
using report::Style;

constexpr Look looks[] = {{"train", "#1f4e79", 1, 7, 6},
                          {"test", "#e07b00", 2, 5, 4},
                          {"validation", "#4d7c2a", 4, 9, 8}};
constexpr double no_value = std::numeric_limits<double>::quiet_NaN();

double quantile_of_finite(const std::vector<double>& values, double p) {
  const auto finite = report::finite(values);
  return finite.empty() ? no_value : report::quantile(finite, p);
}

/// The regular stages of the plan; fine-tuned variants are left out.
Plan stages_of(const Plan& plan, Task task) {
  Plan stages;
  for (const auto& fit : plan) {
    if (fit.info.variant.empty() && fit.info.task == task) stages.push_back(fit);
  }
  return stages;
}

/// The stages of the first task that reports this metric.
Plan stages_with(const Plan& plan, const std::string& metric) {
  const auto first = std::find_if(plan.begin(), plan.end(),
                                  [&](const PlannedFit& fit) { return reports(fit, metric); });
  return first == plan.end() ? Plan{} : stages_of(plan, first->info.task);
}

Series measured(const Results& results, const Plan& stages, const Look& look,
                const std::string& metric, double p) {
  Series series;
  for (const auto& fit : stages) {
    series.x.push_back(static_cast<double>(fit.info.layers));
    series.y.push_back(quantile_of_finite(results.values(fit.info, look.split, metric), p));
  }
  return series;
}

/// The published values. A zero of the mean squared error, whose axis is logarithmic, is drawn at
/// the largest value that prints as zero.
Series printed(const std::vector<Published>& published, const Results& results, const Look& look,
               const std::string& metric) {
  constexpr double prints_as_zero = 0.0005;
  Series series;
  for (const auto& value : published) {
    if (value.split != look.split || value.metric != metric || !results.has(value.info)) continue;
    series.x.push_back(static_cast<double>(value.info.layers));
    const double middle = (value.low + value.high) / 2;
    series.y.push_back(metric == "mse" ? std::max(middle, prints_as_zero) : middle);
  }
  series.title = fmt::format("{}, published", look.split);
  series.style = {Style::Kind::points, look.color, look.open, 1, 1.3};
  return series;
}

}  // namespace

report::Panel against_layers(const Results& results, const std::vector<Published>& published,
                             const Plan& plan, const std::string& metric,
                             const std::string& label) {
  const auto stages = stages_with(plan, metric);
  const auto repeats = results.repeats.size();
  report::Panel panel;
  panel.x_label = "layers (hidden and output)";
  panel.y_label = label;
  panel.whole_x = true;
  panel.y_format = "%.3f";
  panel.log_y = metric == "mse";
  for (const auto& look : looks) {
    auto middle = measured(results, stages, look, metric, 0.5);
    middle.title = repeats > 1 ? fmt::format("{}, median", look.split)
                               : fmt::format("{}, this run", look.split);
    middle.style = {Style::Kind::line_and_points, look.color, look.filled, look.dash, 0.8};
    panel.series.push_back(middle);
    for (const double p : {0.025, 0.975}) {
      if (repeats == 1) continue;
      auto bound = measured(results, stages, look, metric, p);
      bound.title = p > 0.5 ? fmt::format("{}, middle 95%", look.split) : "";
      bound.style = {Style::Kind::line, look.color, 0, 3, 0};
      panel.series.push_back(bound);
    }
    if (results.comparable) panel.series.push_back(printed(published, results, look, metric));
  }
  return panel;
}

report::Panel learning_curves(const std::vector<CurvePoint>& curves, const Plan& plan, Task task,
                              const std::string& metric, const std::string& label) {
  report::Panel panel;
  panel.x_label = "epoch, stage after stage";
  panel.y_label = label;
  panel.top_label = "layers";
  panel.log_y = metric != "accuracy";
  for (const auto& look : looks) {
    panel.series.push_back({look.split, {}, {}, {Style::Kind::line, look.color, 0, look.dash, 0}});
  }
  double begin = 0;
  for (const auto& fit : stages_of(plan, task)) {
    const bool fitted = std::any_of(curves.begin(), curves.end(), [&](const CurvePoint& point) {
      return point.info == fit.info;
    });
    if (!fitted) break;
    for (const auto& point : curves) {
      if (point.info != fit.info || point.score.metric != metric) continue;
      const auto series =
          std::find_if(panel.series.begin(), panel.series.end(),
                       [&](const Series& s) { return s.title == point.score.split; });
      if (series == panel.series.end()) continue;
      series->x.push_back(begin + static_cast<double>(point.epoch));
      series->y.push_back(point.score.value);
    }
    for (auto& series : panel.series) {  // a gap between stages
      series.x.push_back(begin);
      series.y.push_back(no_value);
    }
    const auto epochs = static_cast<double>(fit.epochs);
    panel.top_tics.emplace_back(begin + epochs / 2, fmt::format("{}", fit.info.layers));
    begin += epochs;
    panel.boundaries.push_back(begin);
  }
  if (!panel.boundaries.empty()) panel.boundaries.pop_back();
  return panel;
}

}  // namespace layerwise::study
