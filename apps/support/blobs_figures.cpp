#include <algorithm>
#include <cmath>
#include <iterator>
#include <limits>

#include <fmt/format.h>

#include "layerwise/report/statistics.h"

#include "support/blobs_program.h"

namespace layerwise::apps {

namespace {

using report::Series;
using report::Style;

/// A split looks the same in every figure: by colour, by dash and by marker, so that grey print
/// still tells them apart.
struct Look {
  const char* split;
  const char* color;
  int dash;
  int filled;
  int open;
};
constexpr Look looks[] = {{"train", "#1f4e79", 1, 7, 6}, {"test", "#e07b00", 2, 5, 4}};
constexpr double no_value = std::numeric_limits<double>::quiet_NaN();

double quantile_of_finite(const std::vector<double>& values, double p) {
  const auto finite = report::finite(values);
  return finite.empty() ? no_value : report::quantile(finite, p);
}

/// The stages of the plan itself: fine-tuned variants are left out.
std::vector<PlannedFit> stages_of(const std::vector<PlannedFit>& plan, const std::string& task) {
  std::vector<PlannedFit> stages;
  for (const auto& fit : plan) {
    if (fit.info.variant.empty() && fit.info.task == task) stages.push_back(fit);
  }
  return stages;
}

std::string task_of(const std::string& metric) {
  return metric == "mse" ? "reconstruction" : "classification";
}

Series measured(const Study& study, const std::vector<PlannedFit>& stages, const Look& look,
                const std::string& metric, double p) {
  Series series;
  for (const auto& fit : stages) {
    series.x.push_back(static_cast<double>(fit.info.layers));
    series.y.push_back(quantile_of_finite(study.values(fit.info, look.split, metric), p));
  }
  return series;
}

/// What the tutorial prints. A zero on a logarithmic axis is drawn where it would still print as
/// zero.
Series printed(const std::vector<Published>& published, const Study& study, const Look& look,
               const std::string& metric) {
  constexpr double prints_as_zero = 0.0005;
  Series series;
  for (const auto& value : published) {
    if (value.split != look.split || value.metric != metric || !study.has(value.info)) continue;
    series.x.push_back(static_cast<double>(value.info.layers));
    series.y.push_back(metric == "mse" ? std::max(value.value, prints_as_zero) : value.value);
  }
  series.title = fmt::format("{}, published", look.split);
  series.style = {Style::Kind::points, look.color, look.open, 1, 1.3};
  return series;
}

}  // namespace

report::Panel against_layers(const Study& study, const std::vector<Published>& published,
                             const std::vector<PlannedFit>& plan, const std::string& metric,
                             const std::string& label) {
  const auto stages = stages_of(plan, task_of(metric));
  const auto repeats = study.repeats.size();
  report::Panel panel;
  panel.x_label = "layers (hidden and output)";
  panel.y_label = label;
  panel.whole_x = true;
  panel.y_format = "%.3f";
  panel.log_y = metric == "mse";
  for (const auto& look : looks) {
    auto middle = measured(study, stages, look, metric, 0.5);
    middle.title = repeats > 1 ? fmt::format("{}, median", look.split)
                               : fmt::format("{}, this run", look.split);
    middle.style = {Style::Kind::line_and_points, look.color, look.filled, look.dash, 0.8};
    panel.series.push_back(middle);
    for (const double p : {0.025, 0.975}) {
      if (repeats == 1) continue;
      auto bound = measured(study, stages, look, metric, p);
      bound.title = p > 0.5 ? fmt::format("{}, middle 95%", look.split) : "";
      bound.style = {Style::Kind::line, look.color, 0, 3, 0};
      panel.series.push_back(bound);
    }
    if (study.comparable) panel.series.push_back(printed(published, study, look, metric));
  }
  return panel;
}

report::Panel learning_curves(const std::vector<CurvePoint>& curves,
                              const std::vector<PlannedFit>& plan, const std::string& task,
                              const std::string& metric, const std::string& label) {
  report::Panel panel;
  panel.x_label = "epoch, stage after stage";
  panel.y_label = label;
  panel.top_label = "layers";
  panel.log_y = true;
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
      auto& series = panel.series[point.score.split == looks[0].split ? 0 : 1];
      series.x.push_back(begin + static_cast<double>(point.epoch));
      series.y.push_back(point.score.value);
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

CaptionedFigure data_figure(const LabelledPoints& blobs, int64_t train_rows) {
  static constexpr const char* colors[] = {"#1f4e79", "#e07b00", "#5aa469",
                                           "#9b2226", "#8a6fb0", "#7f7f7f"};
  static constexpr int markers[] = {6, 1, 8, 4, 2, 10};
  const int64_t features = blobs.points.size(1);
  report::Panel panel;
  panel.x_label = "x0";
  panel.y_label = features > 1 ? "x1" : "row";
  panel.equal_scale = features > 1;
  const auto points = blobs.points.accessor<double, 2>();
  const auto labels = blobs.labels.accessor<int64_t, 1>();
  for (int64_t label = 0; label < blobs.centers.size(0); ++label) {
    const auto color = static_cast<size_t>(label) % std::size(colors);
    const auto marker = static_cast<size_t>(label + label / 6) % std::size(markers);
    panel.series.push_back({fmt::format("class {}", label),
                            {},
                            {},
                            {Style::Kind::points, colors[color], markers[marker], 1, 0.7}});
  }
  for (int64_t row = 0; row < points.size(0); ++row) {
    auto& series = panel.series[static_cast<size_t>(labels[row])];
    series.x.push_back(points[row][0]);
    series.y.push_back(features > 1 ? points[row][1] : static_cast<double>(row));
  }
  return {{"data", {panel}, 640, 560},
          fmt::format("The {} points, coloured by class; the first {} train, the rest test.{}",
                      points.size(0), train_rows,
                      features > 2 ? " The first two coordinates are shown." : "")};
}

}  // namespace layerwise::apps
