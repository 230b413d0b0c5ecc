#include "support/study.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>
#include <map>
#include <stdexcept>
#include <tuple>
#include <utility>

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace layerwise::apps {

namespace {

constexpr std::string_view range_mark = " .. ";

double number(std::string_view text) {
  double value = 0;
  std::from_chars(text.data(), text.data() + text.size(), value);
  return value;
}

/// Half of the last digit printed.
double rounding(std::string_view text) {
  const auto point = text.find('.');
  const auto digits = point == std::string_view::npos ? 0 : text.size() - point - 1;
  return 0.5 * std::pow(10.0, -static_cast<double>(digits));
}

}  // namespace

Published::Published(StageInfo info_, std::string split_, std::string metric_, std::string text_)
    : info(std::move(info_)),
      split(std::move(split_)),
      metric(std::move(metric_)),
      text(std::move(text_)) {
  const std::string_view whole = text;
  const auto middle = whole.find(range_mark);
  const auto first = whole.substr(0, middle);
  const auto last =
      middle == std::string_view::npos ? whole : whole.substr(middle + range_mark.size());
  low = number(first) - rounding(first);
  high = number(last) + rounding(last);
}

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
    double value = std::numeric_limits<double>::quiet_NaN();
    for (const auto& score : outcome(repeat, info).scores) {
      if (score.split == split && score.metric == metric) value = score.value;
    }
    values.push_back(value);
  }
  return values;
}

std::vector<std::pair<std::string, std::string>> scores_of(
    const std::vector<std::string>& splits, const std::vector<std::string>& metrics) {
  std::vector<std::pair<std::string, std::string>> scores;
  for (const auto& split : splits) {
    for (const auto& metric : metrics) scores.emplace_back(split, metric);
  }
  return scores;
}

std::string Study::cell(const StageInfo& info, const std::string& split, const std::string& metric,
                        int digits) const {
  const auto all = values(info, split, metric);
  if (all.size() == 1) return with_digits(all[0], digits);
  const auto spread = report::spread_of(all);
  if (spread.count == 0) return "nan";
  if (std::find(heavy_tailed.begin(), heavy_tailed.end(), metric) == heavy_tailed.end())
    return with_digits(spread.mean, digits) + " +- " + with_digits(spread.sd, digits);
  return fmt::format("{} [{} .. {}]",
                     with_digits(report::quantile(report::finite(all), 0.5), digits),
                     with_digits(spread.min, digits), with_digits(spread.max, digits));
}

std::string Study::cell_if(const StageInfo& info, const std::string& split,
                           const std::string& metric, int digits) const {
  const auto& scores = outcome(0, info).scores;
  const bool there = std::any_of(scores.begin(), scores.end(), [&](const Score& score) {
    return score.split == split && score.metric == metric;
  });
  return there ? cell(info, split, metric, digits) : std::string();
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
    if (const auto n = count({{info, 0, {}}}, trouble))
      counts.push_back(fmt::format("{} {}", trouble, n));
  }
  return fmt::format("{}", fmt::join(counts, ", "));
}

std::vector<MeanPoint> mean_curves(const std::vector<PlannedFit>& plan, const Curves& curves) {
  using Place = std::tuple<int64_t, std::string, std::string>;  // step, split, metric
  std::vector<MeanPoint> means;
  for (const auto& fit : plan) {
    std::vector<CurvePoint> points;
    std::map<Place, std::vector<double>> values;
    for (const auto& repeat : curves) {
      for (const auto& point : repeat) {
        if (point.info != fit.info) continue;
        auto& there = values[{point.step, point.score.split, point.score.metric}];
        if (there.empty()) points.push_back(point);
        there.push_back(point.score.value);
      }
    }
    for (const auto& point : points) {
      const auto& all = values.at({point.step, point.score.split, point.score.metric});
      means.push_back({point, report::mean_interval(all)});
    }
  }
  return means;
}

std::string with_digits(double value, int digits) {
  return std::abs(value) < 1e6 || !std::isfinite(value) ? fmt::format("{:.{}f}", value, digits)
                                                        : fmt::format("{:.3e}", value);
}

std::string three_digits(double value) {
  return with_digits(value, 3);
}

std::string published_cell(const std::vector<Published>& published, const StageInfo& info,
                           const std::string& split, const std::string& metric) {
  for (const auto& value : published) {
    if (value.info == info && value.split == split && value.metric == metric) return value.text;
  }
  return {};
}

}  // namespace layerwise::apps
