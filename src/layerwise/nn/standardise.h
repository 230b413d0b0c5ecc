#pragma once

#include <torch/nn/cloneable.h>
#include <torch/nn/pimpl.h>
#include <torch/types.h>

namespace layerwise {

/// Takes each unit's mean off and divides by its standard deviation, both fixed: (x - mean) / sd.
///
/// They are buffers, so that they are saved and moved with a network, and never trained.
class StandardiseImpl : public torch::nn::Cloneable<StandardiseImpl> {
 public:
  /// @param rows [rows, units], whose means and standard deviations (over all rows, not n - 1) are
  ///   taken; a unit that is the same in all of them is only centred
  /// @throws std::invalid_argument if there is no row
  explicit StandardiseImpl(const torch::Tensor& rows);

  void reset() override;
  void pretty_print(std::ostream& stream) const override;

  /// @param x [batch, units]
  torch::Tensor forward(const torch::Tensor& x);

  torch::Tensor mean;       ///< [units]
  torch::Tensor deviation;  ///< [units], above 0
};
TORCH_MODULE(Standardise);

}  // namespace layerwise
