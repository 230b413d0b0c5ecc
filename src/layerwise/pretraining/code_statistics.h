#pragma once

#include <cstdint>

#include <torch/types.h>

namespace layerwise {

/// What the output of a block has left over a data set.
struct CodeStatistics {
  int64_t units = 0;
  int64_t dead = 0;  ///< units that put out the same value for every row
  int64_t rank = 0;  ///< linearly independent directions in which the rows differ
};

/// Counts dead units and the rank of a code.
///
/// The rank is that of the centred code: its singular values above 1e-4 of the largest. A code that is not finite has
/// rank 0 and no dead units.
/// @param code [rows, ...]; everything behind the rows is flattened to units
CodeStatistics code_statistics(const torch::Tensor& code);

}  // namespace layerwise
