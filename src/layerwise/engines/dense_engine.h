#pragma once

#include <memory>
#include <vector>

#include "layerwise/data/dataset.h"
#include "layerwise/engines/dense_step.h"
#include "layerwise/engines/stage_pass.h"
#include "layerwise/engines/step_factors.h"
#include "layerwise/nn/chain.h"
#include "layerwise/train/engine.h"
#include "layerwise/train/fit.h"
#include "layerwise/train/problem.h"

namespace layerwise {

/// The engine for chains of `Dense` blocks of any width: closed-form gradients, with all tensors at
/// fixed addresses. dense_cpu_step.cpp explains how.
///
/// It agrees with `AutogradEngine` to float32 rounding; with bf16, to the rounding of the factors.
/// Evaluation is always in float32.
class DenseEngine : public Engine {
 public:
  /// Requires a stage for which `why_not_dense` is empty.
  /// @throws std::invalid_argument if the network has no output for a label
  DenseEngine(const StageView& view, Problem problem, const Split& data, const FitOptions& options);

  double run(std::span<const int64_t> rows) override;
  std::vector<Score> evaluate(const std::string& split) override;
  std::vector<Score> evaluate_last_batch() override;
  void weights_changed() override;
  void scale_learning_rate(std::span<const double> factors) override;

 private:
  StagePass pass_;
  int64_t batch_size_;
  std::unique_ptr<DenseStep> step_;
  int64_t steps_ = 0;
  StepFactors factors_;
  std::vector<int64_t> last_batch_;
};

}  // namespace layerwise
