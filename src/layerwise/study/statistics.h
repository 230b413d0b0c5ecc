#pragma once

#include <cstdint>
#include <vector>

namespace layerwise::study {

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

/// The quantile of all values, where those that are not finite count as worse than every finite
/// one. Infinite, with the sign of the worst, if it falls among them.
/// @throws std::invalid_argument if there is no value or p is outside [0, 1]
double quantile_with_failures(std::vector<double> values, double p, bool higher_is_better);

/// The share of values below this one, plus half of those that equal it: its percentile rank, from
/// 0 to 1.
/// @throws std::invalid_argument if there is no value
double percentile_rank(const std::vector<double>& values, double value);

/// The share of repeats that something happened to, with its 95% interval.
/// @see Wilson, "Probable inference, the law of succession, and statistical inference", 1927
struct Proportion {
  int64_t count = 0;
  int64_t total = 0;
  double low = 0;  ///< bounds of the Wilson score interval
  double high = 1;
};
/// @throws std::invalid_argument unless 0 <= count <= total and 0 < total
Proportion wilson_interval(int64_t count, int64_t total);

/// Paired t-tests of the differences a - b, over the pairs of which both values are finite.
struct PairedTest {
  Interval difference;      ///< mean of the differences; its count is the number of pairs
  int64_t missing = 0;      ///< pairs that lack a value
  double p_difference = 1;  ///< two-sided p-value of "the mean difference is 0"
  /// p-value of "the mean difference is not within the margin". It is below .05 exactly if the 95%
  /// interval lies within (-margin, margin).
  double p_equivalence = 1;
};
/// @param margin above 0
/// @throws std::invalid_argument if the sizes differ or the margin is not above 0
/// @see Schuirmann, "A comparison of the two one-sided tests procedure ...", 1987 (with .025 on
/// each
///   side, where he takes .05)
PairedTest paired_test(const std::vector<double>& a, const std::vector<double>& b, double margin);

/// The p-values, corrected for being read together. @see Holm, "A simple sequentially rejective
/// multiple test procedure", 1979
std::vector<double> holm(const std::vector<double>& p_values);

}  // namespace layerwise::study
