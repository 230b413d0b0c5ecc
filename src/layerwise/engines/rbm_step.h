#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>

#include <torch/types.h>

#include "layerwise/nn/corruption.h"
#include "layerwise/nn/rbm.h"
#include "layerwise/train/contrastive_divergence.h"
#include "layerwise/train/fit.h"

namespace layerwise {

/// Takes the steps of contrastive divergence on one RBM.
class RbmStep {
 public:
  virtual ~RbmStep() = default;

  /// Takes one step.
  /// @param data [batch, visible], float values or bytes
  /// @param place identifies the step and the rows of the batch; see `draw_place`
  /// @param last whether the batch is the last one before `take_error`
  virtual void take(const torch::Tensor& data, const NoisePlace& place, bool last) = 0;
  /// The mean squared error of the reconstruction of the rows since the last call, by the first
  /// visible means of their chain. Where chains persist, they start elsewhere: there, of the last
  /// batch alone, by the means of its hidden units.
  virtual double take_error() = 0;
  virtual void scale_learning_rate(double factor) = 0;
  virtual void set_momentum(double momentum) = 0;
  virtual std::string details() const = 0;
};

/// The place of a draw within a step of contrastive divergence. Draw 0 samples the hidden units of
/// the data, draw 2i - 1 the visible and draw 2i the hidden units of Gibbs step i. The row of a
/// persistent chain is the number of the chain.
inline NoisePlace draw_place(NoisePlace place, int64_t draw) {
  place.stage += static_cast<uint32_t>(draw) << 12;
  return place;
}

/// The reference, on any device and in any type: LibTorch's operations, the gradient of the two
/// free energies by autograd, and LibTorch's optimizers.
std::unique_ptr<RbmStep> make_reference_rbm_step(const Rbm& rbm,
                                                 const ContrastiveDivergence& divergence,
                                                 const FitOptions& options);
/// On the CPU in float32, with `Sgd`: matrix products, and one pass over memory between them.
std::unique_ptr<RbmStep> make_cpu_rbm_step(const Rbm& rbm, const ContrastiveDivergence& divergence,
                                           const FitOptions& options);

}  // namespace layerwise
