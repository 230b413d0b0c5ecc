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

bool all_of(const Finished& finished) {
  return std::find(finished.begin(), finished.end(), false) == finished.end();
}

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

Results::Results(const Plan& plan, size_t count) {
  size_t values = 0;
  for (const auto& fit : plan) {
    fits_.push_back({fit.info, fit.scores, values});
    values += fit.scores.size();
  }
  repeats.assign(count, {std::vector<double>(values, std::numeric_limits<double>::quiet_NaN()),
                         std::vector<Trouble>(plan.size(), Trouble::not_reached),
                         std::vector<uint32_t>(plan.size(), 0)});
}

const Results::Fit* Results::find(const StageInfo& info) const {
  const auto fit = std::find_if(fits_.begin(), fits_.end(),
                                [&](const Fit& planned) { return planned.info == info; });
  return fit == fits_.end() ? nullptr : &*fit;
}

size_t Results::place_of(const StageInfo& info) const {
  if (const auto* fit = find(info)) return static_cast<size_t>(fit - fits_.data());
  throw std::out_of_range(
      fmt::format("no {} with {} layers was planned", name_of(info.task), info.layers));
}

std::optional<size_t> Results::index_of(const Fit& fit, const std::string& split,
                                        const std::string& metric) {
  const auto score = std::find(fit.scores.begin(), fit.scores.end(), std::pair(split, metric));
  if (score == fit.scores.end()) return std::nullopt;
  return fit.first_value + static_cast<size_t>(score - fit.scores.begin());
}

void Results::set(size_t repeat, const Outcome& outcome) {
  const auto place = place_of(outcome.info);
  auto& of_repeat = repeats.at(repeat);
  for (const auto& [split, metric, value] : outcome.scores) {
    if (const auto index = index_of(fits_[place], split, metric)) of_repeat.values[*index] = value;
  }
  of_repeat.troubles[place] = outcome.trouble;
  const auto known = std::find(details_.begin(), details_.end(), outcome.details);
  of_repeat.details[place] = static_cast<uint32_t>(known - details_.begin());
  if (known == details_.end()) details_.push_back(outcome.details);
}

Outcome Results::outcome_at(size_t repeat, size_t place) const {
  const auto& of_repeat = repeats.at(repeat);
  const auto& fit = fits_[place];
  Outcome outcome{fit.info, {}, of_repeat.troubles[place], details_[of_repeat.details[place]]};
  for (size_t i = 0; i < fit.scores.size(); ++i) {
    const auto& [split, metric] = fit.scores[i];
    outcome.scores.push_back({split, metric, of_repeat.values[fit.first_value + i]});
  }
  if (outcome.trouble == Trouble::not_reached)
    outcome.details = "not reached: an earlier fit diverged";
  return outcome;
}

Outcome Results::outcome(size_t repeat, const StageInfo& info) const {
  return outcome_at(repeat, place_of(info));
}

std::vector<Outcome> Results::outcomes(size_t repeat) const {
  std::vector<Outcome> all;
  for (size_t place = 0; place < fits_.size(); ++place) all.push_back(outcome_at(repeat, place));
  return all;
}

Trouble Results::trouble(size_t repeat, const StageInfo& info) const {
  return repeats.at(repeat).troubles[place_of(info)];
}

bool Results::has(const StageInfo& info) const {
  return find(info) != nullptr;
}

bool Results::has(const StageInfo& info, const std::string& split,
                  const std::string& metric) const {
  const auto* fit = find(info);
  return fit != nullptr && index_of(*fit, split, metric);
}

std::vector<double> Results::values(const StageInfo& info, const std::string& split,
                                    const std::string& metric) const {
  const auto index = index_of(fits_[place_of(info)], split, metric);
  std::vector<double> values(repeats.size(), std::numeric_limits<double>::quiet_NaN());
  for (size_t repeat = 0; index && repeat < repeats.size(); ++repeat)
    values[repeat] = repeats[repeat].values[*index];
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
  return has(info, split, metric) ? cell(info, split, metric, digits) : std::string();
}

int64_t Results::count(const Plan& fits, Trouble trouble) const {
  std::vector<size_t> places;
  for (const auto& fit : fits) places.push_back(place_of(fit.info));
  return std::count_if(repeats.begin(), repeats.end(), [&](const RepeatOutcomes& repeat) {
    return std::any_of(places.begin(), places.end(),
                       [&](size_t place) { return repeat.troubles[place] == trouble; });
  });
}

std::optional<size_t> Results::index_of_rank(const StageInfo& info) const {
  for (const auto& fit : fits_) {
    if (fit.info.stage != info.stage || fit.info.variant != info.variant) continue;
    if (const auto index = index_of(fit, "train", code_metric::rank)) return index;
  }
  return std::nullopt;
}

std::optional<Kind> Results::kind(size_t repeat, const StageInfo& info) const {
  const auto trouble = this->trouble(repeat, info);
  const auto index = index_of_rank(info);
  if (!index) return std::nullopt;
  if (trouble == Trouble::diverged || trouble == Trouble::not_reached) return Kind::diverged;
  const double rank = repeats[repeat].values[*index];
  if (rank == 0) return Kind::dead;
  return rank == 1 ? Kind::one_direction : Kind::alive;
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
