#pragma once

#include <memory>
#include <vector>

#include "layerwise/data/dataset.h"
#include "layerwise/engines/dense_step.h"
#include "layerwise/engines/stage_pass.h"
#include "layerwise/nn/chain.h"
#include "layerwise/train/engine.h"
#include "layerwise/train/fit.h"
#include "layerwise/train/problem.h"

namespace layerwise {

/// The engine for chains of `Dense` blocks of any width: closed-form gradients, everything in
/// memory that stays where it is. See dense_cpu_step.cpp for how.
///
/// It agrees with `AutogradEngine` to float32 rounding; with bf16, to that of the factors. What it
/// evaluates is always float32.
class DenseEngine : public Engine {
 public:
  /// Takes what `why_not_dense` says nothing against.
  /// @throws std::invalid_argument if a label is none of the network's outputs
  DenseEngine(const StageView& view, Problem problem, const Split& data, const FitOptions& options);

  double run(std::span<const int64_t> rows) override;
  std::vector<Score> evaluate(const std::string& split) override;
  std::vector<Score> evaluate_last_batch() override;
  void weights_changed() override;

 private:
  StagePass pass_;
  int64_t batch_size_;
  std::unique_ptr<DenseStep> step_;
  int64_t steps_ = 0;
  std::vector<int64_t> last_batch_;
};

}  // namespace layerwise
