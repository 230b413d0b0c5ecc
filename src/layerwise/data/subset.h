#pragma once

#include <cstdint>
#include <vector>

#include <torch/types.h>

#include "layerwise/random.h"

namespace layerwise {

/// Random subsets of labeled rows with equal shares of all classes. Smaller subsets are contained
/// in larger ones.
///
/// The rows are visited in the order of one permutation. A row is taken while its class has fewer
/// rows than its share, count / classes; the lowest classes get one more for the remainder. If a
/// class has fewer rows than its share, skipped rows fill up the subset, in the order of the
/// permutation. So all rows are a subset too.
class StratifiedSubsets {
 public:
  /// @param labels [rows] int64, classes from 0
  /// @param subsets draws `permutation(rows)`
  /// @throws std::invalid_argument naming the class, if one below the highest has no row
  StratifiedSubsets(const torch::Tensor& labels, RandomState& subsets);

  /// The subset with `count` rows, in the order of the permutation.
  /// @throws std::invalid_argument if there are fewer rows, or `count` is less than the number of
  ///   classes
  std::vector<int64_t> rows(int64_t count) const;

 private:
  std::vector<int64_t> labels_;
  std::vector<int64_t> walk_;
  int64_t classes_ = 0;
};

/// Checks that each of the classes 0..classes-1 has a row among these.
/// @throws std::invalid_argument naming the first class that has none, or a label that is none of
///   the classes
void require_every_class(const torch::Tensor& labels, int64_t classes);

}  // namespace layerwise
