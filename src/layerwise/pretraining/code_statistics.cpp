#include "layerwise/pretraining/code_statistics.h"

#include <algorithm>
#include <tuple>

#include <ATen/ops/linalg_eigh.h>
#include <torch/utils.h>

namespace layerwise {

namespace {

torch::Tensor centred_matrix(const torch::Tensor& rows) {
  const auto matrix = rows.detach().to(torch::kCPU, torch::kFloat64).flatten(1);
  return matrix - matrix.mean(0, true);
}

/// The variances along the principal axes of a centred matrix, ascending, and the axes as columns.
std::tuple<torch::Tensor, torch::Tensor> principal_axes(const torch::Tensor& centred) {
  return at::linalg_eigh(centred.t().matmul(centred), "L");
}

/// How much of `inputs` (both centred) is explained by a linear function of the code, whose used
/// axes are given.
double explained(const torch::Tensor& inputs, const torch::Tensor& code,
                 const torch::Tensor& variances, const torch::Tensor& axes) {
  const auto covariance = code.matmul(axes).t().matmul(inputs);
  return covariance.pow(2).sum(1).div(variances).sum().item<double>();
}

}  // namespace

CodeStatistics code_statistics(const torch::Tensor& code, const torch::Tensor& inputs) {
  torch::NoGradGuard no_grad;
  constexpr double singular_ratio = 1e-4;
  CodeStatistics statistics;
  const auto values = code.detach().flatten(1);
  statistics.units = values.size(1);
  if (!values.isfinite().all().item<bool>()) return statistics;
  statistics.dead = values.eq(values[0]).all(0).sum().item<int64_t>();

  const auto x = centred_matrix(inputs);
  const auto input_variances = std::get<0>(principal_axes(x));
  const double variance = input_variances.sum().item<double>();
  const double attainable =
      input_variances.slice(0, std::max<int64_t>(0, x.size(1) - statistics.units))
          .sum()
          .item<double>();
  double kept = 0;
  if (statistics.dead < statistics.units) {
    const auto z = centred_matrix(values);
    const auto [variances, axes] = principal_axes(z);
    const auto used = variances.gt(variances.max() * (singular_ratio * singular_ratio));
    statistics.rank = used.sum().item<int64_t>();
    kept = explained(x, z, variances.masked_select(used),
                     axes.index_select(1, used.nonzero().squeeze(1)));
  }
  if (variance > 0) statistics.lost = std::clamp(1 - kept / attainable, 0.0, 1.0);
  return statistics;
}

bool collapsed(const CodeStatistics& code, Task task) {
  constexpr double most_lost = 0.1;
  if (code.rank == 0) return true;
  return task == Task::reconstruction ? code.lost > most_lost : code.rank == 1 && code.units > 1;
}

}  // namespace layerwise
