#include "layerwise/pretraining/deep_belief_net.h"

#include <stdexcept>

#include <fmt/format.h>

#include "layerwise/engines/rbm_engine.h"

namespace layerwise {

namespace {

StageInfo stage_of_rbm(int64_t k) {
  return {k, 0, "", Task::reconstruction};
}

template <typename Item>
const Item& item_for(const std::vector<Item>& list, int64_t k) {
  return list.size() == 1 ? list.front() : list.at(static_cast<size_t>(k - 1));
}

void check_lists(const DeepBeliefNetTraining& training, int64_t depth) {
  for (const auto size : {training.phases.size(), training.divergences.size()}) {
    if (size != 1 && static_cast<int64_t>(size) != depth)
      throw std::invalid_argument(fmt::format("{} sets of options for {} RBMs", size, depth));
  }
  for (const auto& phase : training.phases) {
    if (phase.schedule.over_all_stages)
      throw std::invalid_argument("the phases of a deep belief net have no one schedule");
  }
}

}  // namespace

FitOptions DeepBeliefNetTraining::phase(int64_t k) const {
  auto fit = item_for(phases, k);
  fit.make_engine = contrastive_divergence(item_for(divergences, k));
  return fit;
}

Plan plan_of(const DeepBeliefNetTraining& training, int64_t depth, const Split& data) {
  check_lists(training, depth);
  Plan plan;
  for (int64_t k = 1; k <= depth; ++k) {
    const auto fit = training.phase(k);
    check(fit, data.train.size());
    plan.emplace_back(stage_of_rbm(k), fit.epochs,
                      scores_of(names_of(data), {"mse", "free_energy", "pseudo_likelihood"}));
  }
  return plan;
}

bool train_deep_belief_net(DeepBeliefNet& net, const Split& data,
                           const DeepBeliefNetTraining& training, Random& random,
                           const Observer& observer, int64_t done) {
  check_lists(training, net->depth());
  FeatureCache features(data);
  for (int64_t k = done + 1; k <= net->depth(); ++k) {
    const auto info = stage_of_rbm(k);
    const Problem problem{
        rbm_objective(), Target::none, {}, random.noise, static_cast<uint32_t>(k)};
    const auto result = fit_stage(net->phase(k), problem, features, data, training.phase(k), random,
                                  progress_hooks(observer, info));
    if (observer.on_stage) observer.on_stage({info, result, {}});
    if (result.diverged()) return false;
    if (observer.on_checkpoint) observer.on_checkpoint(k, *net, random);
  }
  return true;
}

}  // namespace layerwise
