#include "layerwise/report/statistics.h"

#include <algorithm>
#include <cmath>
#include <stdexcept>

namespace layerwise::report {

Spread spread_of(const std::vector<double>& values) {
  Spread spread;
  double sum = 0;
  for (const double value : values) {
    if (!std::isfinite(value)) {
      ++spread.not_finite;
      continue;
    }
    spread.min = spread.count == 0 ? value : std::min(spread.min, value);
    spread.max = spread.count == 0 ? value : std::max(spread.max, value);
    sum += value;
    ++spread.count;
  }
  if (spread.count == 0) return spread;
  spread.mean = sum / spread.count;
  double squares = 0;
  for (const double value : values) {
    if (std::isfinite(value)) squares += (value - spread.mean) * (value - spread.mean);
  }
  if (spread.count > 1) spread.sd = std::sqrt(squares / (spread.count - 1));
  return spread;
}

double quantile(std::vector<double> values, double p) {
  if (values.empty() || !(p >= 0 && p <= 1)) throw std::invalid_argument("quantile: no values, or p outside [0, 1]");
  std::sort(values.begin(), values.end());
  const double position = p * static_cast<double>(values.size() - 1);
  const auto below = static_cast<size_t>(position);
  const auto above = std::min(below + 1, values.size() - 1);
  return values[below] + (position - static_cast<double>(below)) * (values[above] - values[below]);
}

}  // namespace layerwise::report
