#include "layerwise/train/contrastive_divergence.h"

#include <stdexcept>

#include <fmt/format.h>

namespace layerwise {

void check(const ContrastiveDivergence& divergence) {
  constexpr int64_t most = (int64_t{1} << 18) - 1;  // further draws would repeat random numbers
  if (divergence.steps < 1 || divergence.steps > most) {
    throw std::invalid_argument(
        fmt::format("contrastive divergence: {} steps, not 1, ..., {}", divergence.steps, most));
  }
  if (!divergence.first) return;
  const auto [epochs, momentum] = *divergence.first;
  if (epochs < 1 || !(momentum >= 0 && momentum < 1)) {
    throw std::invalid_argument(fmt::format(
        "contrastive divergence: a momentum of {} in the first {} epochs", momentum, epochs));
  }
}

Objective rbm_objective() {
  Objective objective;
  for (const auto* name : {"mse", "free_energy", "pseudo_likelihood"})
    objective.metrics.push_back({name, {}});
  return objective;
}

}  // namespace layerwise
