#pragma once

#include <vector>

namespace layerwise::report {

/// How values over repeats are spread. Values that are not finite are counted apart, never averaged
/// away.
struct Spread {
  int count = 0;       ///< finite values
  int not_finite = 0;  ///< the others
  double mean = 0;
  double sd = 0;  ///< sample standard deviation; 0 for a single value
  double min = 0;
  double max = 0;
};

/// The values that are finite, in their order.
std::vector<double> finite(std::vector<double> values);

Spread spread_of(const std::vector<double>& values);

/// A mean with its 95% confidence interval, by Student's t; without bounds for fewer than two
/// values.
struct Interval {
  double mean = 0;
  double low = 0;
  double high = 0;
  int count = 0;  ///< finite values, which are those that count

  bool above(double value) const { return low > value; }
  bool below(double value) const { return high < value; }
};
Interval mean_interval(const std::vector<double>& values);

/// Where one more value of the same normal distribution lies with a probability of 95%.
Interval prediction_interval(const std::vector<double>& values);

/// a - b, pair by pair.
/// @throws std::invalid_argument if they are not as many
std::vector<double> differences(const std::vector<double>& a, const std::vector<double>& b);

/// The p-quantile of finite values, linearly interpolated (NumPy's default).
/// @throws std::invalid_argument if there is no value or p is outside [0, 1]
double quantile(std::vector<double> values, double p);

}  // namespace layerwise::report
