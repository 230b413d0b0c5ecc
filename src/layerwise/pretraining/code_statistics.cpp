#include "layerwise/pretraining/code_statistics.h"

#include <algorithm>
#include <cmath>
#include <tuple>

#include <ATen/ops/linalg_eigh.h>
#include <ATen/ops/xlogy.h>
#include <torch/utils.h>

namespace layerwise {

namespace {

torch::Tensor centered_matrix(const torch::Tensor& rows) {
  const auto matrix = rows.detach().to(torch::kCPU, torch::kFloat64).flatten(1);
  return matrix - matrix.mean(0, true);
}

/// The variances along the principal axes of a centered matrix (not divided by the number of rows),
/// in ascending order, and the axes as columns.
std::tuple<torch::Tensor, torch::Tensor> principal_axes(const torch::Tensor& centered) {
  return at::linalg_eigh(centered.t().matmul(centered), "L");
}

/// The variance of `inputs` that a linear function of the code explains. Both are centered; `axes`
/// are the used principal axes of the code, with their `variances`.
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

  const auto x = centered_matrix(inputs);
  const auto input_variances = std::get<0>(principal_axes(x));
  const double variance = input_variances.sum().item<double>();
  const double attainable =
      input_variances.slice(0, std::max<int64_t>(0, x.size(1) - statistics.units))
          .sum()
          .item<double>();
  double kept = 0;
  if (statistics.dead < statistics.units) {
    const auto z = centered_matrix(values);
    const auto [variances, axes] = principal_axes(z);
    const auto used = variances.gt(variances.max() * (singular_ratio * singular_ratio));
    statistics.rank = used.sum().item<int64_t>();
    const auto singular = variances.clamp_min(0).sqrt();
    const auto weights = singular / singular.sum();
    statistics.effective_rank = std::exp(-at::xlogy(weights, weights).sum().item<double>());
    kept = explained(x, z, variances.masked_select(used),
                     axes.index_select(1, used.nonzero().squeeze(1)));
  }
  if (variance > 0) statistics.lost = std::clamp(1 - kept / attainable, 0.0, 1.0);
  return statistics;
}

bool is_code_metric(const std::string& metric) {
  return metric == code_metric::dead_units || metric == code_metric::rank ||
         metric == code_metric::effective_rank;
}

std::vector<Score> scores_of(const CodeStatistics& code) {
  return {{"train", code_metric::dead_units, static_cast<double>(code.dead)},
          {"train", code_metric::rank, static_cast<double>(code.rank)},
          {"train", code_metric::effective_rank, code.effective_rank}};
}

void add_code_scores(PlannedFit& fit) {
  for (const auto& score : scores_of(CodeStatistics{}))
    fit.scores.emplace_back(score.split, score.metric);
}

bool collapsed(const CodeStatistics& code, Task task) {
  constexpr double most_lost = 0.1;
  if (code.rank == 0) return true;
  return task == Task::reconstruction ? code.lost > most_lost : code.rank == 1 && code.units > 1;
}

}  // namespace layerwise
