#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "layerwise/data/dataset.h"
#include "layerwise/nn/chain.h"
#include "layerwise/train/fit.h"
#include "layerwise/train/objective.h"

namespace layerwise {

/// @throws std::invalid_argument if the patience is not positive, the data have no such split, or
///   the objective does not report the metric of a criterion
void check(const EarlyStopping& options, const Objective& objective, const Split& data);

/// The hook of `EarlyStopping`: keeps the values of the blocks at their best result.
class BestValues {
 public:
  /// @param trained the blocks whose parameters and buffers are kept
  BestValues(const std::vector<Block>& trained, EarlyStopping options);

  Next operator()(const FitView& view);

  /// Restores the best values.
  /// @returns false if none were kept: `restore_best` is off, or no result was a number
  bool restore() const;
  /// After which step the result was best; none if no result was a number.
  std::optional<int64_t> step() const { return step_; }

 private:
  bool improves(const std::vector<double>& values) const;

  torch::nn::Sequential trained_;
  EarlyStopping options_;
  std::vector<EarlyStopping::Criterion> criteria_;
  int64_t looks_without_ = 0;
  std::optional<int64_t> step_;
  std::vector<double> values_;
  std::optional<Snapshot> best_;
};

}  // namespace layerwise
