#pragma once

#include <cstdint>
#include <vector>

#include <torch/types.h>

#include "layerwise/random.h"

namespace layerwise {

/// Random subsets of labelled rows, every class with its share, the smaller ones within the larger.
///
/// One permutation of the rows is walked through; a row is taken while its class has fewer than its
/// share, count / classes, the remainder going to the lowest classes. Where a class has fewer rows
/// than its share, the rows that were passed over fill up, in the order of the walk: all rows are a
/// subset too.
class StratifiedSubsets {
 public:
  /// @param labels [rows] int64, classes from 0
  /// @param subsets draws `permutation(rows)`
  /// @throws std::invalid_argument naming the class, if one below the highest has no row
  StratifiedSubsets(const torch::Tensor& labels, RandomState& subsets);

  /// The subset of so many rows, in the order of the walk.
  /// @throws std::invalid_argument if there are fewer rows, or fewer in the subset than classes
  std::vector<int64_t> rows(int64_t count) const;

 private:
  std::vector<int64_t> labels_;
  std::vector<int64_t> walk_;
  int64_t classes_ = 0;
};

/// Each class from 0 to the highest has a row among these.
/// @throws std::invalid_argument naming the first class that has none
void require_every_class(const torch::Tensor& labels, int64_t classes);

}  // namespace layerwise
