#pragma once

#include <torch/nn/cloneable.h>
#include <torch/nn/pimpl.h>
#include <torch/types.h>

namespace layerwise {

/// Standardizes each unit with a fixed mean and a fixed standard deviation: (x - mean) / deviation.
///
/// Both are buffers, so that they are saved and moved with a network, and never trained.
class StandardizeImpl : public torch::nn::Cloneable<StandardizeImpl> {
 public:
  /// @param rows [rows, units], from which means and standard deviations are computed (over all
  ///   rows, divided by n, not n - 1); a unit with the same value in all rows is only centered
  /// @throws std::invalid_argument if `rows` is not two-dimensional or has no row
  explicit StandardizeImpl(const torch::Tensor& rows);

  void reset() override;
  void pretty_print(std::ostream& stream) const override;

  /// @param x [batch, units]
  torch::Tensor forward(const torch::Tensor& x);

  torch::Tensor mean;       ///< [units]
  torch::Tensor deviation;  ///< [units], above 0
};
TORCH_MODULE(Standardize);

}  // namespace layerwise
