#include "layerwise/nn/standardize.h"

#include <ostream>
#include <stdexcept>

#include <torch/utils.h>

namespace layerwise {

StandardizeImpl::StandardizeImpl(const torch::Tensor& rows) {
  if (rows.dim() != 2 || rows.size(0) == 0)
    throw std::invalid_argument("Standardize: needs rows of units");
  torch::NoGradGuard no_grad;
  const auto values = rows.to(torch::kFloat64);
  mean = values.mean(0);
  deviation = (values - mean).square().mean(0).sqrt();
  deviation = torch::where(deviation > 0, deviation, torch::ones_like(deviation));
  mean = mean.to(rows.scalar_type());
  deviation = deviation.to(rows.scalar_type());
  reset();
}

void StandardizeImpl::reset() {
  mean = register_buffer("mean", mean.clone());
  deviation = register_buffer("deviation", deviation.clone());
}

void StandardizeImpl::pretty_print(std::ostream& stream) const {
  stream << "Standardize(" << mean.size(0) << ")";
}

torch::Tensor StandardizeImpl::forward(const torch::Tensor& x) {
  return (x - mean) / deviation;
}

}  // namespace layerwise
