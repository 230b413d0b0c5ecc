#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "layerwise/data/dataset.h"
#include "layerwise/nn/chain.h"
#include "layerwise/train/fit.h"
#include "layerwise/train/objective.h"

namespace layerwise {

/// @throws std::invalid_argument if the patience is not positive, there is no criterion, the data
///   have no such split, or the objective reports no such metric
void check(const EarlyStopping& options, const Objective& objective, const Split& data);

/// The hook of `EarlyStopping`: keeps the values that blocks had when they did best.
class BestValues {
 public:
  /// @param trained whose parameters and buffers are kept
  BestValues(const std::vector<Block>& trained, EarlyStopping options);

  Next operator()(const FitView& view);

  /// Puts the best values back.
  /// @returns false if no result was a number: there is nothing to put back
  bool restore() const;
  int64_t step() const { return step_; }

 private:
  bool improves(const std::vector<double>& values) const;

  torch::nn::Sequential trained_;
  EarlyStopping options_;
  int64_t looks_without_ = 0;
  int64_t step_ = 0;
  std::vector<double> values_;
  std::optional<Snapshot> best_;
};

}  // namespace layerwise
