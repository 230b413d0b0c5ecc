#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include <torch/types.h>

#include "layerwise/pretraining/plan.h"
#include "layerwise/train/evaluate.h"

namespace layerwise {

/// How much information the output of a block keeps over a data set.
struct CodeStatistics {
  int64_t units = 0;
  int64_t dead = 0;  ///< units that output the same value for every row
  int64_t rank = 0;  ///< number of linearly independent directions in which the rows differ
  /// How many directions the rows differ in, each weighted by how much: exp of the entropy of the
  /// singular values of the centered code, which are divided by their sum first. 0 for rank 0.
  /// @see Roy and Vetterli, "The effective rank: a measure of effective dimensionality", 2007
  double effective_rank = 0;
  /// Share of the inputs' variance that no linear layer can recover, see `code_statistics`.
  double lost = 0;
};

/// Counts the dead units and the rank of a code, and measures how much of the inputs is lost in it.
///
/// The rank is that of the centered code: the number of singular values above 1e-4 of the largest.
/// For `lost`, the inputs are reconstructed from the code by least squares. This is compared with
/// the reconstruction from as many principal components as the code has units: 0 means as good as
/// that, 1 means no better than a constant. If the code has values that are not finite, the rank,
/// the dead units and `lost` are 0.
/// @param code [rows, ...] and
/// @param inputs [rows, ...]; dimensions after the rows are flattened
CodeStatistics code_statistics(const torch::Tensor& code, const torch::Tensor& inputs);

/// The metrics of a code that studies record, of the training rows.
namespace code_metric {
constexpr auto dead_units = "dead_units";
constexpr auto rank = "code_rank";
constexpr auto effective_rank = "effective_rank";
}  // namespace code_metric
/// Whether this is one of them.
bool is_code_metric(const std::string& metric);
/// The statistics as scores of the split "train".
std::vector<Score> scores_of(const CodeStatistics& code);
/// Adds these scores to those of planned fits that train a block.
void add_code_scores(PlannedFit& fit);

/// Whether too little is left for the task. A classifier needs more than one direction, unless the
/// code has only one unit. An autoencoder must not lose more than a tenth of its inputs. A code of
/// rank 0 is always collapsed.
bool collapsed(const CodeStatistics& code, Task task);

}  // namespace layerwise
