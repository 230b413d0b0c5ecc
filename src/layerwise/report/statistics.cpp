#include "layerwise/report/statistics.h"

#include <algorithm>
#include <boost/math/distributions/students_t.hpp>
#include <cmath>
#include <limits>
#include <numeric>
#include <stdexcept>

namespace layerwise::report {

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
  const auto above = std::min(below + 1, values.size() - 1);
  return values[below] + (position - static_cast<double>(below)) * (values[above] - values[below]);
}

}  // namespace layerwise::report
