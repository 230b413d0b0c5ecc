#include "layerwise/train/objective.h"

#include <limits>
#include <stdexcept>
#include <utility>

#include <torch/nn/functional/loss.h>
#include <torch/utils.h>

namespace layerwise {

namespace F = torch::nn::functional;

namespace {

torch::Tensor accuracy(const Pass& pass) {
  const auto hits = pass.output.argmax(1).eq(pass.target).to(torch::kFloat64).mean();
  return hits.masked_fill(pass.output.isfinite().all().logical_not(),
                          std::numeric_limits<double>::quiet_NaN());
}

torch::Tensor squared_error(const Pass& pass) {
  return F::mse_loss(pass.output, pass.target);
}

/// The binary cross-entropy of each entry. It is NaN for outputs that are NaN, which LibTorch's
/// function rejects (on CUDA by ending the program).
torch::Tensor cross_entropies(const Pass& pass) {
  const auto output = pass.output.nan_to_num(0.5);
  const auto none = F::BinaryCrossEntropyFuncOptions().reduction(torch::kNone);
  return F::binary_cross_entropy(output, pass.target, none) + (pass.output - output);
}

torch::Tensor squared_errors(const Pass& pass) {
  return (pass.output - pass.target).square();
}

torch::Tensor rounded_accuracy(const Pass& pass) {
  return pass.output.round().eq(pass.target.round()).to(torch::kFloat64).mean();
}

}  // namespace

Objective classification() {
  const Metric cross_entropy{
      "cross_entropy", [](const Pass& pass) { return F::cross_entropy(pass.output, pass.target); },
      Formula::cross_entropy};
  return {{{cross_entropy}}, {{"accuracy", accuracy, Formula::accuracy}, cross_entropy}};
}

Objective reconstruction() {
  const Metric mse{"mse", squared_error, Formula::squared_error};
  return {{{mse}}, {mse}, squared_errors};
}

Objective binary_reconstruction() {
  const Metric bce{"bce", [](const Pass& pass) { return cross_entropies(pass).mean(); },
                   Formula::binary_cross_entropy};
  return {{{bce}},
          {{"mse", squared_error, Formula::squared_error},
           bce,
           {"rounded_accuracy", rounded_accuracy, Formula::rounded_accuracy}},
          cross_entropies};
}

Objective emphasized(Objective objective, const Emphasis& emphasis) {
  const auto entries = objective.entries;
  if (!entries) {
    throw std::invalid_argument("emphasized: '" + objective.loss().name +
                                "' is no mean over entries");
  }
  objective.terms.front().metric.formula = Formula::other;
  objective.terms.front().metric.mean = [=](const Pass& pass) {
    if (!pass.hit.defined()) return entries(pass).mean().mul(emphasis.others);
    const auto weights = pass.hit.to(pass.output.scalar_type())
                             .mul_(emphasis.corrupted - emphasis.others)
                             .add_(emphasis.others);
    return entries(pass).mul(weights).mean();
  };
  return objective;
}

Objective sparse(Objective objective, const Sparsity& sparsity) {
  const double p = sparsity.target;
  const auto divergence = [p](const Pass& pass) {
    const auto mean = pass.code.flatten(1).mean(0);
    return (torch::log(p / mean) * p + torch::log((1 - p) / (1 - mean)) * (1 - p)).sum();
  };
  objective.terms.push_back({{"sparsity", divergence}, sparsity.weight});
  return objective;
}

}  // namespace layerwise
