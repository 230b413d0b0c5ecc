#include "layerwise/train/stage.h"

#include <algorithm>
#include <cmath>
#include <stdexcept>

#include <fmt/format.h>

#include "layerwise/train/autograd_engine.h"

namespace layerwise {

namespace {

void require_unmoved(const std::vector<uint64_t>& before, const std::vector<uint64_t>& after) {
  const auto [moved, _] = std::mismatch(before.begin(), before.end(), after.begin());
  if (moved == before.end()) return;
  throw std::logic_error(fmt::format("block {} is frozen, but its bits changed during the stage",
                                     moved - before.begin() + 1));
}

}  // namespace

bool StageResult::diverged() const {
  return fit.diverged_in > 0 || std::any_of(scores.begin(), scores.end(), [](const Score& score) {
           return !std::isfinite(score.value);
         });
}

StageResult fit_stage(GreedyNet& net, FeatureCache& features, const Split& data,
                      const Objective& objective, const FitOptions& options, RandomState& order,
                      std::span<const Hook> hooks) {
  const auto frozen = net->frozen_fingerprints();
  const auto& [train, test] = features.of(net);
  AutogradEngine engine(net->trainable(), objective,
                        {{train, data.train.targets}, {test, data.test.targets}}, options);
  StageResult result;
  result.fit = fit(engine, train.size(0), options, order, hooks);
  result.scores = engine.evaluate();
  require_unmoved(frozen, net->frozen_fingerprints());
  return result;
}

}  // namespace layerwise
