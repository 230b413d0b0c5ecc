#include "layerwise/study/results.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <stdexcept>
#include <tuple>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "layerwise/pretraining/code_statistics.h"
#include "layerwise/study/statistics.h"

namespace layerwise::study {

const char* name_of(Trouble trouble) {
  switch (trouble) {
    case Trouble::none:
      return "";
    case Trouble::diverged:
      return "diverged";
    case Trouble::collapsed:
      return "collapsed";
    case Trouble::not_reached:
      return "not reached";
  }
  return "";
}

bool higher_is_better(const std::string& metric) {
  return metric.ends_with("accuracy") || metric.ends_with("rank");
}

const char* name_of(Kind kind) {
  switch (kind) {
    case Kind::alive:
      return "alive";
    case Kind::one_direction:
      return "one direction";
    case Kind::dead:
      return "dead";
    case Kind::diverged:
      return "diverged";
  }
  return "";
}

const Outcome& Results::outcome(size_t repeat, const StageInfo& info) const {
  for (const auto& outcome : repeats.at(repeat)) {
    if (outcome.info == info) return outcome;
  }
  throw std::out_of_range(
      fmt::format("no {} with {} layers was planned", name_of(info.task), info.layers));
}

bool Results::has(const StageInfo& info) const {
  const auto& plan = repeats.at(0);
  return std::any_of(plan.begin(), plan.end(), [&](const Outcome& o) { return o.info == info; });
}

std::vector<double> Results::values(const StageInfo& info, const std::string& split,
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

std::string Results::cell(const StageInfo& info, const std::string& split,
                          const std::string& metric, int digits) const {
  const auto all = values(info, split, metric);
  if (all.size() == 1) return with_digits(all[0], digits);
  const auto spread = spread_of(all);
  if (spread.count == 0) return "nan";
  if (std::find(heavy_tailed.begin(), heavy_tailed.end(), metric) == heavy_tailed.end())
    return with_digits(spread.mean, digits) + " +- " + with_digits(spread.sd, digits);
  return fmt::format("{} [{} .. {}]", with_digits(quantile(finite(all), 0.5), digits),
                     with_digits(spread.min, digits), with_digits(spread.max, digits));
}

std::string Results::cell_if(const StageInfo& info, const std::string& split,
                             const std::string& metric, int digits) const {
  const auto& scores = outcome(0, info).scores;
  const bool there = std::any_of(scores.begin(), scores.end(), [&](const Score& score) {
    return score.split == split && score.metric == metric;
  });
  return there ? cell(info, split, metric, digits) : std::string();
}

int64_t Results::count(const Plan& fits, Trouble trouble) const {
  int64_t found = 0;
  for (size_t repeat = 0; repeat < repeats.size(); ++repeat) {
    found += std::any_of(fits.begin(), fits.end(), [&](const PlannedFit& fit) {
      return outcome(repeat, fit.info).trouble == trouble;
    });
  }
  return found;
}

std::optional<Kind> Results::kind(size_t repeat, const StageInfo& info) const {
  const auto trouble = outcome(repeat, info).trouble;
  std::optional<double> rank;
  for (const auto& other : repeats.at(repeat)) {
    const bool same_code = other.info.stage == info.stage && other.info.variant == info.variant;
    if (!same_code || rank) continue;
    for (const auto& score : other.scores) {
      if (score.metric == code_metric::rank) rank = score.value;
    }
  }
  if (!rank) return std::nullopt;
  if (trouble == Trouble::diverged || trouble == Trouble::not_reached) return Kind::diverged;
  if (*rank == 0) return Kind::dead;
  return *rank == 1 ? Kind::one_direction : Kind::alive;
}

int64_t Results::count(const StageInfo& info, Kind kind_) const {
  int64_t found = 0;
  for (size_t repeat = 0; repeat < repeats.size(); ++repeat) found += kind(repeat, info) == kind_;
  return found;
}

std::string Results::note(const StageInfo& info) const {
  if (repeats.size() == 1) return outcome(0, info).details;
  std::vector<std::string> counts;
  for (const auto trouble : {Trouble::diverged, Trouble::collapsed, Trouble::not_reached}) {
    if (const auto n = count({{info, 0, {}}}, trouble))
      counts.push_back(fmt::format("{} {}", name_of(trouble), n));
  }
  return fmt::format("{}", fmt::join(counts, ", "));
}

std::vector<MeanPoint> mean_curves(const Plan& plan, const Curves& curves) {
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
      means.push_back({point, mean_interval(all)});
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

}  // namespace layerwise::study
