#pragma once

#include <cstdint>

#include <torch/types.h>

#include "layerwise/pretraining/plan.h"

namespace layerwise {

/// What the output of a block has left over a data set.
struct CodeStatistics {
  int64_t units = 0;
  int64_t dead = 0;  ///< units that put out the same value for every row
  int64_t rank = 0;  ///< linearly independent directions in which the rows differ
  double lost = 0;   ///< share of the inputs' variance that no linear layer could bring back any
                     ///< more, see below
};

/// Counts the dead units and the rank of a code, and how much of the inputs is lost in it.
///
/// The rank is that of the centred code: its singular values above 1e-4 of the largest. For `lost`,
/// the inputs are reconstructed from the code by least squares and compared with what as many
/// principal components as the code has units reconstruct: 0 is as good as those, 1 is a constant.
/// Numbers that are not finite give rank 0, no dead units and nothing lost.
/// @param code [rows, ...] and
/// @param inputs [rows, ...]; what is behind the rows is flattened
CodeStatistics code_statistics(const torch::Tensor& code, const torch::Tensor& inputs);

/// Too little is left for the task: a classifier needs more than one direction, an autoencoder all
/// but a tenth of its inputs.
bool collapsed(const CodeStatistics& code, Task task);

}  // namespace layerwise
