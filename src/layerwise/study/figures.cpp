#include "layerwise/study/figures.h"

#include <algorithm>
#include <cmath>
#include <iterator>
#include <limits>
#include <optional>

#include <fmt/format.h>

#include "layerwise/pretraining/code_statistics.h"
#include "layerwise/study/statistics.h"

namespace layerwise::study {

namespace {

using report::Series;
using report::Style;
namespace color = report::color;

constexpr Look looks[] = {{"train", color::blue, 1, 7, 6},
                          {"test", color::orange, 2, 5, 4},
                          {"validation", color::green, 4, 9, 8}};
constexpr double no_value = std::numeric_limits<double>::quiet_NaN();

double quantile_of_finite(const std::vector<double>& values, double p) {
  const auto known = finite(values);
  return known.empty() ? no_value : quantile(known, p);
}

/// A network whose stages are drawn.
struct Drawn {
  std::string variant;
  const char* color;  ///< of all its lines; null: the color of the split
};

/// The networks that a plan deepens on a task: the only one; or, where all fits have the name of a
/// variant, each of these. Extra fits, as fine-tuning, are left out.
std::vector<Drawn> networks_of(const Plan& plan, Task task) {
  static constexpr const char* colors[] = {color::blue,   color::orange,   color::green,
                                           color::purple, color::sky_blue, color::vermilion};
  std::vector<Drawn> networks;
  for (const auto& fit : plan) {
    const auto& info = fit.info;
    if (info.task != task || info.variant.find(": ") != std::string::npos) continue;
    if (info.variant.empty()) return {{"", nullptr}};
    const bool known = std::any_of(networks.begin(), networks.end(),
                                   [&](const Drawn& one) { return one.variant == info.variant; });
    if (!known) networks.push_back({info.variant, colors[networks.size() % std::size(colors)]});
  }
  return networks;
}

/// The regular stages of a network.
Plan stages_of(const Plan& plan, Task task, const std::string& variant) {
  Plan stages;
  for (const auto& fit : plan) {
    if (fit.info.variant == variant && fit.info.task == task) stages.push_back(fit);
  }
  return stages;
}

/// The task of the first fit that reports this metric.
std::optional<Task> task_with(const Plan& plan, const std::string& metric) {
  const auto first = std::find_if(plan.begin(), plan.end(),
                                  [&](const PlannedFit& fit) { return reports(fit, metric); });
  return first == plan.end() ? std::nullopt : std::optional(first->info.task);
}

/// `train, median`, or `relu, train, median`.
std::string titled(const Drawn& network, const std::string& text) {
  return network.variant.empty() ? text : network.variant + ", " + text;
}

/// The median of the repeats, and the middle 95% of them as a band; a single repeat has none.
Series measured(const Results& results, const Plan& stages, const Look& look,
                const std::string& metric) {
  Series series;
  for (const auto& fit : stages) {
    const auto values = results.values(fit.info, look.split, metric);
    series.x.push_back(static_cast<double>(fit.info.layers));
    series.y.push_back(quantile_of_finite(values, 0.5));
    if (values.size() == 1) continue;
    series.low.push_back(quantile_of_finite(values, 0.025));
    series.high.push_back(quantile_of_finite(values, 0.975));
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
  const auto task = task_with(plan, metric);
  const auto networks = task ? networks_of(plan, *task) : std::vector<Drawn>();
  const auto repeats = results.repeats.size();
  report::Panel panel;
  panel.x_label = "layers (hidden and output)";
  panel.y_label = label;
  panel.whole_x = true;
  panel.y_format = "%.3f";
  panel.log_y = metric == "mse";
  for (const auto& look : looks) {
    for (const auto& network : networks) {
      const auto stages = stages_of(plan, *task, network.variant);
      auto series = measured(results, stages, look, metric);
      series.title =
          titled(network, fmt::format("{}, {}", look.split, repeats > 1 ? "median" : "this run"));
      series.band_title = titled(network, fmt::format("{}, middle 95%", look.split));
      series.style = {Style::Kind::line_and_points,
                      network.color != nullptr ? network.color : look.color, look.filled, look.dash,
                      0.8};
      panel.series.push_back(series);
    }
    if (results.comparable) panel.series.push_back(printed(published, results, look, metric));
  }
  return panel;
}

report::Panel kinds_by_depth(const Results& results, const Plan& plan, const std::string& variant) {
  static constexpr std::pair<Kind, const char*> looks_of_kinds[] = {
      {Kind::alive, "#009e73"},
      {Kind::one_direction, "#f0e442"},
      {Kind::dead, "#999999"},
      {Kind::diverged, color::black}};
  report::Panel panel;
  panel.x_label = "layers (hidden and output)";
  panel.y_label = "share of the repeats";
  panel.whole_x = true;
  for (const auto& [kind, color] : looks_of_kinds) {
    Series series;
    series.title = name_of(kind);
    series.style = {Style::Kind::area, color};
    for (const auto& fit : plan) {
      const bool reports_code = reports(fit, code_metric::rank) && fit.info.variant == variant;
      if (!reports_code) continue;
      series.x.push_back(static_cast<double>(fit.info.layers));
      series.y.push_back(static_cast<double>(results.count(fit.info, kind)) /
                         static_cast<double>(results.repeats.size()));
    }
    if (!series.x.empty()) panel.series.push_back(std::move(series));
  }
  return panel;
}

std::vector<report::Panel> code_diagnosis(const Results& results, const Plan& plan,
                                          const std::string& variant) {
  Plan own;
  for (const auto& fit : plan) {
    if (fit.info.variant == variant && reports(fit, code_metric::rank)) own.push_back(fit);
  }
  if (own.empty()) return {};
  std::vector<report::Panel> panels{
      kinds_by_depth(results, own, variant),
      against_layers(results, {}, own, code_metric::dead_units, "dead units"),
      against_layers(results, {}, own, code_metric::effective_rank, "effective rank")};
  for (auto& panel : panels) panel.y_format = "%g";
  return panels;
}

report::Panel learning_curves(const std::vector<CurvePoint>& curves, const Plan& plan, Task task,
                              const std::string& metric, const std::string& label) {
  report::Panel panel;
  panel.x_label = "epoch, stage after stage";
  panel.y_label = label;
  const bool counted = std::any_of(plan.begin(), plan.end(),
                                   [](const PlannedFit& fit) { return fit.info.layers > 0; });
  panel.top_label = counted ? "layers" : "stage";
  panel.log_y = metric != "accuracy";
  for (const auto& network : networks_of(plan, task)) {
    const auto first = panel.series.size();
    for (const auto& look : looks) {
      panel.series.push_back(
          {titled(network, look.split),
           {},
           {},
           {Style::Kind::line, network.color != nullptr ? network.color : look.color, 0, look.dash,
            0}});
    }
    double begin = 0;
    std::vector<double> boundaries;
    std::vector<std::pair<double, std::string>> tics;
    for (const auto& fit : stages_of(plan, task, network.variant)) {
      const bool fitted = std::any_of(curves.begin(), curves.end(), [&](const CurvePoint& point) {
        return point.info == fit.info;
      });
      if (!fitted) break;
      for (const auto& point : curves) {
        if (point.info != fit.info || point.score.metric != metric) continue;
        for (size_t i = 0; i < std::size(looks); ++i) {
          if (looks[i].split != point.score.split) continue;
          panel.series[first + i].x.push_back(begin + static_cast<double>(point.epoch));
          panel.series[first + i].y.push_back(point.score.value);
        }
      }
      for (size_t i = first; i < panel.series.size(); ++i) {  // a gap between stages
        panel.series[i].x.push_back(begin);
        panel.series[i].y.push_back(no_value);
      }
      const auto epochs = static_cast<double>(fit.epochs);
      tics.emplace_back(begin + epochs / 2,
                        fmt::format("{}", counted ? fit.info.layers : fit.info.stage));
      begin += epochs;
      boundaries.push_back(begin);
    }
    if (!boundaries.empty()) boundaries.pop_back();
    if (tics.size() > panel.top_tics.size()) {
      panel.top_tics = tics;
      panel.boundaries = boundaries;
    }
  }
  return panel;
}

}  // namespace layerwise::study
