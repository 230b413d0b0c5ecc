#include "layerwise/train/objective.h"

#include <limits>

#include <torch/nn/functional/loss.h>
#include <torch/utils.h>

namespace layerwise {

namespace F = torch::nn::functional;

namespace {

torch::Tensor accuracy(const torch::Tensor& logits, const torch::Tensor& labels) {
  const auto hits = logits.argmax(1).eq(labels).to(torch::kFloat64).mean();
  return hits.masked_fill(logits.isfinite().all().logical_not(),
                          std::numeric_limits<double>::quiet_NaN());
}

}  // namespace

Objective classification() {
  const Metric cross_entropy{"cross_entropy",
                             [](const torch::Tensor& logits, const torch::Tensor& labels) {
                               return F::cross_entropy(logits, labels);
                             }};
  return {cross_entropy, {{"accuracy", accuracy}, cross_entropy}};
}

Objective reconstruction() {
  const Metric mse{"mse", [](const torch::Tensor& output, const torch::Tensor& target) {
                     return F::mse_loss(output, target);
                   }};
  return {mse, {mse}};
}

}  // namespace layerwise
