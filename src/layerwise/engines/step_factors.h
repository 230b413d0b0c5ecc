#pragma once

#include <span>
#include <vector>

namespace layerwise {

/// The factors of the learning rate in the steps of one run, for `Engine::scale_learning_rate`.
class StepFactors {
 public:
  void set(std::span<const double> factors) { factors_.assign(factors.begin(), factors.end()); }
  /// Forgets them when their run has ended.
  void clear() { factors_.clear(); }

  /// Calls `scale(factor)`, if the factor of this step differs from that of the last one.
  /// @param step from 0, in the run
  template <typename Scale>
  void apply(size_t step, const Scale& scale) {
    const double now = at(step);
    if (now != last_) scale(now);
    last_ = now;
  }
  /// How many of the `count` steps from this one on have its factor.
  size_t equal(size_t step, size_t count) const {
    if (factors_.empty()) return count;
    size_t same = 1;
    while (same < count && at(step + same) == at(step)) ++same;
    return same;
  }

 private:
  double at(size_t step) const { return factors_.empty() ? 1 : factors_.at(step); }

  std::vector<double> factors_;
  double last_ = 1;
};

}  // namespace layerwise
