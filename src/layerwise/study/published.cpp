#include "layerwise/study/published.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>
#include <string_view>
#include <utility>

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace layerwise::study {

namespace {

constexpr std::string_view range_mark = " .. ";

double number(std::string_view text) {
  double value = 0;
  std::from_chars(text.data(), text.data() + text.size(), value);
  return value;
}

/// Half a unit of the last printed digit.
double rounding(std::string_view text) {
  const auto point = text.find('.');
  const auto digits = point == std::string_view::npos ? 0 : text.size() - point - 1;
  return 0.5 * std::pow(10.0, -static_cast<double>(digits));
}

constexpr size_t repeats_for_a_range = 20;

/// The number of decimal places of a printed value.
int decimals(std::string_view text) {
  const auto point = text.find('.');
  const auto end = text.find(' ');
  return point == std::string_view::npos ? 0
                                         : static_cast<int>(std::min(end, text.size()) - point) - 1;
}

/// The finite values of the repeats of its kind, and how many these are of all.
std::pair<std::vector<double>, Proportion> values_of_kind(const Published& value,
                                                          const Results& results) {
  auto values = results.values(value.info, value.split, value.metric);
  const auto total = static_cast<int64_t>(values.size());
  for (size_t repeat = 0; value.kind && repeat < values.size(); ++repeat) {
    if (results.kind(repeat, value.info) != value.kind)
      values[repeat] = std::numeric_limits<double>::quiet_NaN();
  }
  values = finite(std::move(values));
  return {values, wilson_interval(static_cast<int64_t>(values.size()), total)};
}

bool covers(const std::pair<double, double>& bounds, double low, double high) {
  constexpr double nearly_all = 0.9;
  const auto [first, last] = std::minmax(bounds.first, bounds.second);
  const double covered = std::min(high, last) - std::max(low, first);
  return covered > nearly_all * (last - first);
}

/// "within", "below", "above" the range, or what else can be said.
std::string position(const PlacedValue& placed) {
  if (std::isnan(placed.median)) return "no repeat of its kind";
  if (placed.excludes_nothing) return "the range excludes nothing";
  const std::string where = placed.inside                    ? "within"
                            : placed.value.high < placed.low ? "below"
                                                             : "above";
  return placed.few ? where + ", of few" : where;
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

std::string published_cell(const std::vector<Published>& published, const StageInfo& info,
                           const std::string& split, const std::string& metric) {
  for (const auto& value : published) {
    if (value.info == info && value.split == split && value.metric == metric) return value.text;
  }
  return {};
}

std::vector<PlacedValue> place(const Comparison& comparison, const Results& results) {
  std::vector<PlacedValue> all;
  for (const auto& value : comparison.values) {
    if (!results.has(value.info)) continue;
    const auto [values, of_kind] = values_of_kind(value, results);
    PlacedValue placed{value, of_kind};
    if (values.empty()) {
      placed.median = placed.low = placed.high = placed.percentile =
          std::numeric_limits<double>::quiet_NaN();
    } else {
      placed.few = values.size() < repeats_for_a_range;
      placed.median = quantile(values, 0.5);
      placed.low = quantile(values, 0.025);
      placed.high = quantile(values, 0.975);
      const auto share = [&](double bound) { return percentile_rank(values, bound); };
      placed.percentile = 50 * (share(value.low) + share(value.high));
      placed.inside = value.high >= placed.low && value.low <= placed.high;
      const auto bounds = comparison.bounds.find(value.metric);
      placed.excludes_nothing =
          bounds != comparison.bounds.end() && covers(bounds->second, placed.low, placed.high);
    }
    all.push_back(placed);
  }
  return all;
}

report::Table published_table(const std::vector<PlacedValue>& values) {
  report::Table table{{"layers", "score", "published", "this run: median [2.5% .. 97.5%]",
                       "percentile", "repeats of its kind", "verdict"},
                      {}};
  for (const auto& placed : values) {
    const auto& value = placed.value;
    const auto digits = decimals(value.text);
    const auto& [count, total, low, high] = placed.of_kind;
    const bool any = count > 0;
    table.rows.push_back(
        {value.info.layers > 0 ? fmt::format("{}", value.info.layers) : std::string(),
         fmt::format("{} {}{}{}", value.split, value.metric, value.info.variant.empty() ? "" : ", ",
                     value.info.variant),
         value.text,
         any ? fmt::format("{} [{} .. {}]", with_digits(placed.median, digits),
                           with_digits(placed.low, digits), with_digits(placed.high, digits))
             : std::string("none"),
         any ? fmt::format("{:.0f}", placed.percentile) : std::string(),
         fmt::format("{} of {}{}{} ({:.0f}%, {:.0f} to {:.0f}%)", count, total,
                     value.kind ? " " : "", value.kind ? name_of(*value.kind) : "",
                     100.0 * static_cast<double>(count) / static_cast<double>(total), 100 * low,
                     100 * high),
         position(placed)});
  }
  return table;
}

std::string agreement(const std::vector<PlacedValue>& values, size_t repeats) {
  const auto count = [&](const auto& which) {
    return std::count_if(values.begin(), values.end(), which);
  };
  const auto compared = [](const PlacedValue& v) {
    return v.of_kind.count > 0 && !v.excludes_nothing;
  };
  const auto enough = [&](const PlacedValue& v) { return compared(v) && !v.few; };
  const auto few = [&](const PlacedValue& v) { return compared(v) && v.few; };
  const bool kinds_known = count([](const auto& v) { return v.value.kind.has_value(); }) > 0;
  std::vector<std::string> sentences;
  if (count(enough) > 0) {
    sentences.push_back(
        fmt::format("{} of {} published values lie within the middle 95% of the repeats{}.",
                    count([&](const auto& v) { return enough(v) && v.inside; }), count(enough),
                    kinds_known ? " of their kind" : ""));
  }
  if (count(few) > 0) {
    sentences.push_back(
        fmt::format("{} of {}{} lie between the 2.5% and 97.5% quantiles of fewer than {} "
                    "repeats{}, which says "
                    "little.",
                    count([&](const auto& v) { return few(v) && v.inside; }), count(few),
                    sentences.empty() ? " published values" : " more", repeats_for_a_range,
                    repeats < repeats_for_a_range ? "" : " of their kind"));
  }
  if (const auto nothing = count([](const auto& v) { return v.excludes_nothing; }); nothing > 0) {
    sentences.push_back(fmt::format(
        "For {} the range of the repeats reaches nearly from a perfect model to a constant output: "
        "it excludes nothing, so nothing follows.",
        nothing));
  }
  if (const auto none = count([](const auto& v) { return v.of_kind.count == 0; }); none > 0)
    sentences.push_back(fmt::format("{} have no repeat of their kind to compare with.", none));
  return fmt::format("{}", fmt::join(sentences, " "));
}

}  // namespace layerwise::study
