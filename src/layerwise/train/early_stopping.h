#pragma once

#include <cstdint>
#include <limits>
#include <optional>
#include <string>

#include <torch/nn/module.h>

#include "layerwise/nn/chain.h"
#include "layerwise/train/fit.h"

namespace layerwise {

/// Keeps the values that a module had when it did best on the validation rows, and ends a fit that
/// has not got better for long: a hook.
///
/// Better is a higher accuracy; of equal ones, the lower cross-entropy. Step 0 counts.
/// @see Prechelt, "Early Stopping - But When?", 1998
class EarlyStopping {
 public:
  /// @param trained whose parameters and buffers are kept
  /// @param patience calls in a row without a better result before the fit ends
  /// @throws std::invalid_argument if the patience is not positive
  EarlyStopping(const torch::nn::Module& trained, int64_t patience);

  /// @throws std::out_of_range if the stage has no validation rows or another objective
  Next operator()(const FitView& view);

  /// Puts the best values back. Nothing happens if no result was a number.
  void restore() const;
  int64_t best_step() const { return best_step_; }

 private:
  const torch::nn::Module& trained_;
  int64_t patience_;
  int64_t calls_without_ = 0;
  int64_t best_step_ = 0;
  double accuracy_ = -std::numeric_limits<double>::infinity();
  double cross_entropy_ = std::numeric_limits<double>::infinity();
  std::optional<Snapshot> best_;
};

}  // namespace layerwise
