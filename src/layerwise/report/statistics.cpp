#include "layerwise/report/statistics.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <stdexcept>

namespace layerwise::report {

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
