#pragma once

#include <vector>

namespace layerwise::report {

/// The spread of values over repeats. Values that are not finite are counted separately and never
/// averaged.
struct Spread {
  int count = 0;       ///< finite values
  int not_finite = 0;  ///< the others
  double mean = 0;
  double sd = 0;  ///< sample standard deviation; 0 for a single value
  double min = 0;
  double max = 0;
};

/// The finite values, in their order.
std::vector<double> finite(std::vector<double> values);

Spread spread_of(const std::vector<double>& values);

/// A mean with its 95% confidence interval by Student's t. The bounds are NaN for fewer than two
/// values.
struct Interval {
  double mean = 0;
  double low = 0;
  double high = 0;
  int count = 0;  ///< number of finite values, which are the only ones used

  bool above(double value) const { return low > value; }
  bool below(double value) const { return high < value; }
};
Interval mean_interval(const std::vector<double>& values);

/// The interval that contains one more value of the same normal distribution with a probability of
/// 95%.
Interval prediction_interval(const std::vector<double>& values);

/// a - b, element by element.
/// @throws std::invalid_argument if the sizes differ
std::vector<double> differences(const std::vector<double>& a, const std::vector<double>& b);

/// The p-quantile of finite values, linearly interpolated (NumPy's default).
/// @throws std::invalid_argument if there is no value or p is outside [0, 1]
double quantile(std::vector<double> values, double p);

}  // namespace layerwise::report
