#include "layerwise/pretraining/code_statistics.h"

#include <torch/linalg.h>
#include <torch/utils.h>

namespace layerwise {

CodeStatistics code_statistics(const torch::Tensor& code) {
  torch::NoGradGuard no_grad;
  const auto rows = code.detach().to(torch::kCPU, torch::kFloat64).flatten(1);
  CodeStatistics statistics;
  statistics.units = rows.size(1);
  if (!rows.isfinite().all().item<bool>()) return statistics;
  statistics.dead = rows.eq(rows[0]).all(0).sum().item<int64_t>();
  if (statistics.dead == statistics.units) return statistics;

  constexpr double singular_ratio = 1e-4;
  const auto centred = rows - rows.mean(0, true);
  const auto variances = torch::linalg::eigvalsh(centred.t().matmul(centred), "L");
  statistics.rank = variances.gt(variances.max() * (singular_ratio * singular_ratio)).sum().item<int64_t>();
  return statistics;
}

}  // namespace layerwise
