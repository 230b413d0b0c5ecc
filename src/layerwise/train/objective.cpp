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

torch::Tensor binary_cross_entropy(const Pass& pass) {
  return F::binary_cross_entropy(pass.output, pass.target);
}

torch::Tensor rounded_accuracy(const Pass& pass) {
  return pass.output.round().eq(pass.target.round()).to(torch::kFloat64).mean();
}

torch::Tensor loss_by_entry(const std::string& name, const Pass& pass) {
  if (name == "mse")
    return F::mse_loss(pass.output, pass.target, F::MSELossFuncOptions().reduction(torch::kNone));
  return F::binary_cross_entropy(pass.output, pass.target,
                                 F::BinaryCrossEntropyFuncOptions().reduction(torch::kNone));
}

}  // namespace

Objective classification() {
  const Metric cross_entropy{
      "cross_entropy", [](const Pass& pass) { return F::cross_entropy(pass.output, pass.target); }};
  return {{{cross_entropy}}, {{"accuracy", accuracy}, cross_entropy}};
}

Objective reconstruction() {
  const Metric mse{"mse", squared_error};
  return {{{mse}}, {mse}};
}

Objective binary_reconstruction() {
  const Metric bce{"bce", binary_cross_entropy};
  return {{{bce}}, {{"mse", squared_error}, bce, {"rounded_accuracy", rounded_accuracy}}};
}

Objective emphasised(Objective objective, const Emphasis& emphasis) {
  const auto name = objective.loss().name;
  if (name != "mse" && name != "bce")
    throw std::invalid_argument("emphasised: '" + name + "' is no reconstruction's loss");
  objective.terms.front().metric.mean = [=](const Pass& pass) {
    if (!pass.hit.defined()) return loss_by_entry(name, pass).mean().mul(emphasis.others);
    const auto weights = pass.hit.to(pass.output.scalar_type())
                             .mul_(emphasis.corrupted - emphasis.others)
                             .add_(emphasis.others);
    return loss_by_entry(name, pass).mul(weights).mean();
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
