#include "layerwise/study/statistics.h"

#include <algorithm>
#include <boost/math/distributions/complement.hpp>
#include <boost/math/distributions/normal.hpp>
#include <boost/math/distributions/students_t.hpp>
#include <cmath>
#include <limits>
#include <numeric>
#include <stdexcept>
#include <utility>

namespace layerwise::study {

namespace {

/// The mean and the middle 95% of Student's t distribution around it, scaled by `scale`.
Interval interval_of(const Spread& spread, double scale) {
  constexpr double nothing = std::numeric_limits<double>::quiet_NaN();
  if (spread.count == 0) return {nothing, nothing, nothing, 0};
  if (spread.count == 1) return {spread.mean, nothing, nothing, 1};
  const boost::math::students_t distribution(spread.count - 1);
  const double half = boost::math::quantile(distribution, 0.975) * scale;
  return {spread.mean, spread.mean - half, spread.mean + half, spread.count};
}

}  // namespace

std::vector<double> finite(std::vector<double> values) {
  std::erase_if(values, [](double value) { return !std::isfinite(value); });
  return values;
}

Spread spread_of(const std::vector<double>& all) {
  const auto values = finite(all);
  Spread spread;
  spread.count = static_cast<int>(values.size());
  spread.not_finite = static_cast<int>(all.size() - values.size());
  if (values.empty()) return spread;
  const auto [min, max] = std::minmax_element(values.begin(), values.end());
  spread.min = *min;
  spread.max = *max;
  spread.mean = std::accumulate(values.begin(), values.end(), 0.0) / spread.count;
  double squares = 0;
  for (const double value : values) squares += (value - spread.mean) * (value - spread.mean);
  if (spread.count > 1) spread.sd = std::sqrt(squares / (spread.count - 1));
  return spread;
}

Interval mean_interval(const std::vector<double>& values) {
  const auto spread = spread_of(values);
  return interval_of(spread, spread.sd / std::sqrt(spread.count));
}

Interval prediction_interval(const std::vector<double>& values) {
  const auto spread = spread_of(values);
  return interval_of(spread, spread.sd * std::sqrt(1 + 1.0 / spread.count));
}

std::vector<double> differences(const std::vector<double>& a, const std::vector<double>& b) {
  if (a.size() != b.size()) throw std::invalid_argument("differences: not as many values");
  std::vector<double> result;
  for (size_t i = 0; i < a.size(); ++i) result.push_back(a[i] - b[i]);
  return result;
}

double quantile(std::vector<double> values, double p) {
  if (values.empty() || !(p >= 0 && p <= 1))
    throw std::invalid_argument("quantile: no values, or p outside [0, 1]");
  std::sort(values.begin(), values.end());
  const double position = p * static_cast<double>(values.size() - 1);
  const auto below = static_cast<size_t>(position);
  const double part = position - static_cast<double>(below);
  if (part == 0) return values[below];
  return values[below] + part * (values[below + 1] - values[below]);
}

double quantile_with_failures(std::vector<double> values, double p, bool higher_is_better) {
  constexpr double infinity = std::numeric_limits<double>::infinity();
  const double worst = higher_is_better ? -infinity : infinity;
  for (double& value : values) {
    if (!std::isfinite(value)) value = worst;
  }
  const double found = quantile(std::move(values), p);
  return std::isnan(found) ? worst : found;  // between two failures: infinity - infinity
}

double percentile_rank(const std::vector<double>& values, double value) {
  if (values.empty()) throw std::invalid_argument("percentile_rank: no values");
  const auto below =
      std::count_if(values.begin(), values.end(), [&](double other) { return other < value; });
  const auto equal = std::count(values.begin(), values.end(), value);
  return (static_cast<double>(below) + 0.5 * static_cast<double>(equal)) /
         static_cast<double>(values.size());
}

Proportion wilson_interval(int64_t count, int64_t total) {
  if (count < 0 || total <= 0 || count > total)
    throw std::invalid_argument("wilson_interval: not a count out of a total");
  const double z = boost::math::quantile(boost::math::normal(), 0.975);
  const auto n = static_cast<double>(total);
  const double share = static_cast<double>(count) / n;
  const double middle = (share + z * z / (2 * n)) / (1 + z * z / n);
  const double half =
      z / (1 + z * z / n) * std::sqrt(share * (1 - share) / n + z * z / (4 * n * n));
  return {count, total, std::max(0.0, middle - half), std::min(1.0, middle + half)};
}

PairedTest paired_test(const std::vector<double>& a, const std::vector<double>& b, double margin) {
  if (!(margin > 0)) throw std::invalid_argument("paired_test: the margin is not above 0");
  const auto all = differences(a, b);
  const auto spread = spread_of(all);
  PairedTest test{mean_interval(all), spread.not_finite};
  if (spread.count < 2) return test;
  const double error = spread.sd / std::sqrt(spread.count);
  const double distance = std::abs(spread.mean);
  if (error == 0) {
    test.p_difference = distance > 0 ? 0 : 1;
    test.p_equivalence = distance < margin ? 0 : 1;
    return test;
  }
  const boost::math::students_t t(spread.count - 1);
  test.p_difference = 2 * boost::math::cdf(boost::math::complement(t, distance / error));
  test.p_equivalence =
      std::min(1.0, 2 * boost::math::cdf(boost::math::complement(t, (margin - distance) / error)));
  return test;
}

std::vector<double> holm(const std::vector<double>& p_values) {
  std::vector<size_t> order(p_values.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::sort(order.begin(), order.end(),
            [&](size_t i, size_t j) { return p_values[i] < p_values[j]; });
  std::vector<double> corrected(p_values.size());
  double largest = 0;
  for (size_t rank = 0; rank < order.size(); ++rank) {
    const double p = static_cast<double>(order.size() - rank) * p_values[order[rank]];
    largest = std::max(largest, std::min(1.0, p));
    corrected[order[rank]] = largest;
  }
  return corrected;
}

}  // namespace layerwise::study
