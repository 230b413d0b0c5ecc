#pragma once

#include <memory>

#include <torch/nn/modules/container/sequential.h>
#include <torch/optim/optimizer.h>

#include "layerwise/data/dataset.h"
#include "layerwise/train/engine.h"
#include "layerwise/train/fit.h"
#include "layerwise/train/objective.h"

namespace layerwise {

/// The engine that can do everything: any module on any device, gradients by LibTorch's autograd.
/// The reference.
///
/// It makes its optimizer over the trainable parameters alone: one from before a freeze would go on
/// moving what is frozen by its momentum.
class AutogradEngine : public Engine {
 public:
  /// @param chain what is trained; its modules are shared with their owner and change as steps are
  /// taken
  /// @param data features and targets, on the device of the chain
  /// @throws std::invalid_argument if nothing of the chain is trainable
  AutogradEngine(torch::nn::Sequential chain, Objective objective, Split data,
                 const FitOptions& options);

  double run(std::span<const int64_t> rows) override;
  int64_t steps() const override { return steps_; }
  std::vector<Score> evaluate() override;

 private:
  torch::nn::Sequential chain_;
  Objective objective_;
  Split data_;
  int64_t batch_size_;
  std::unique_ptr<torch::optim::Optimizer> optimizer_;
  int64_t steps_ = 0;
};

}  // namespace layerwise
