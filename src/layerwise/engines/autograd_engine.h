#pragma once

#include <optional>
#include <string>

#include <ATen/core/Generator.h>

#include "layerwise/data/dataset.h"
#include "layerwise/engines/stage_pass.h"
#include "layerwise/engines/step_factors.h"
#include "layerwise/engines/torch_optimizer.h"
#include "layerwise/train/engine.h"
#include "layerwise/train/fit.h"
#include "layerwise/train/problem.h"

namespace layerwise {

/// The reason why the autograd engine cannot run this stage in the requested precision; empty if it
/// can.
std::string why_not_autograd(const StageView& view, const Problem& problem, const Split& data,
                             const FitOptions& options);

/// The engine for any module on any device, with gradients by LibTorch's autograd. The reference.
///
/// Its optimizer holds only the trainable parameters. An optimizer from before a freeze would keep
/// moving frozen parameters by its momentum. Draws of the blocks from LibTorch's global generator
/// during training on the CPU come from `torch_generator(problem.noise, problem.stage)` instead; on
/// CUDA, the global generators are seeded with the same seed.
class AutogradEngine : public Engine {
 public:
  /// @param view the stage; its modules are shared with their owner and change as steps are taken.
  ///   Its frozen blocks, if there are any, are run for every batch
  /// @param data on the device of the blocks
  /// @throws std::invalid_argument if nothing in the chain is trainable
  AutogradEngine(const StageView& view, Problem problem, Split data, const FitOptions& options);

  double run(std::span<const int64_t> rows) override;
  std::vector<Score> evaluate(const std::string& split) override;
  std::vector<Score> evaluate_last_batch() override;
  void scale_learning_rate(std::span<const double> factors) override;

 private:
  StagePass pass_;
  int64_t batch_size_;
  TorchOptimizer optimizer_;
  StepFactors factors_;
  std::optional<at::Generator> generator_;  ///< for blocks that may draw random numbers
  int64_t steps_ = 0;
  std::vector<int64_t> last_batch_;
};

}  // namespace layerwise
