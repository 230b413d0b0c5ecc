#pragma once

#include <memory>
#include <vector>

#include <torch/optim/optimizer.h>
#include <torch/types.h>

#include "layerwise/train/fit.h"

namespace layerwise {

/// The optimizer of a stage as LibTorch has it, with the penalty `FitOptions::l2`.
class TorchOptimizer {
 public:
  /// @throws std::invalid_argument if there is no parameter
  TorchOptimizer(const std::vector<torch::Tensor>& parameters, const FitOptions& options);

  void zero_grad() { optimizer_->zero_grad(); }
  void step() { optimizer_->step(); }
  /// @param evaluate computes the loss and its gradient, as often as the optimizer asks for them
  void step(const torch::optim::Optimizer::LossClosure& evaluate) { optimizer_->step(evaluate); }
  /// Sets every learning rate to its first value times this factor.
  void scale_learning_rate(double factor);
  /// Sets the momentum of `Sgd`.
  void set_momentum(double momentum);

 private:
  std::unique_ptr<torch::optim::Optimizer> optimizer_;
  std::vector<double> learning_rates_;  ///< of the parameter groups, at first
};

}  // namespace layerwise
