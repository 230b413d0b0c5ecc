#include "layerwise/pretraining/stacked_autoencoder.h"

#include <algorithm>
#include <stdexcept>
#include <string>
#include <utility>
#include <variant>

#include <fmt/format.h>

namespace layerwise {

namespace {

/// A stage before it is fitted.
struct Plan {
  StageInfo info;
  int64_t phase;  ///< 0: all layers
  FitOptions fit;
};

std::vector<Plan> plan_of(const AutoencoderTraining& training, int64_t depth, int64_t rows) {
  std::vector<Plan> plan;
  const auto add = [&](const char* variant, int64_t phase, const FitOptions& fit) {
    check(fit, rows);
    const auto stage = static_cast<int64_t>(plan.size()) + 1;
    plan.push_back({{stage, 0, variant, "reconstruction"}, phase, fit});
  };
  if (training.jointly) {
    add("", 0, training.phase(1));
  } else {
    int64_t steps = 0;
    for (int64_t k = 1; k <= depth; ++k) {
      auto fit = training.phase(k);
      auto* adam = std::get_if<Adam>(&fit.optimizer);
      if (adam != nullptr && training.shared_adam_counter) adam->steps_before += steps;
      steps += fit.epochs * steps_per_epoch(rows, fit);
      add("", k, fit);
    }
  }
  if (training.fine_tuning) add("fine_tuned", 0, *training.fine_tuning);
  return plan;
}

void skip(const Plan& plan, int64_t rows, Random& random) {
  for (int64_t epoch = 0; epoch < plan.fit.epochs; ++epoch) rows_of_epoch(rows, plan.fit, random);
}

}  // namespace

const FitOptions& AutoencoderTraining::phase(int64_t k) const {
  return phases.size() == 1 ? phases.front() : phases.at(static_cast<size_t>(k - 1));
}

void train_stacked_autoencoder(StackedAutoencoder& net, const Split& data,
                               const AutoencoderTraining& training, Random& random,
                               const Observer& observer, int64_t stages_done) {
  const auto sets = static_cast<int64_t>(training.phases.size());
  if (sets != 1 && (training.jointly || sets != net->depth())) {
    throw std::invalid_argument(
        fmt::format("train_stacked_autoencoder: {} sets of options for {} phases", sets,
                    training.jointly ? 1 : net->depth()));
  }
  const int64_t rows = data.train.size();
  FeatureCache features(data);
  const auto stages = plan_of(training, net->depth(), rows);
  for (const auto& plan : stages) {
    if (plan.info.stage <= stages_done) {
      skip(plan, rows, random);
      continue;
    }
    const auto view = plan.phase == 0 ? net->whole() : net->phase(plan.phase);
    const Problem problem{plan.phase > 1 ? training.codes : training.pixels, Target::features,
                          training.corruption, random.noise,
                          static_cast<uint32_t>(plan.info.stage)};
    std::vector<Hook> hooks;
    if (observer.on_epoch) {
      hooks.emplace_back([&](const FitView& fit) { return observer.on_epoch(plan.info, fit); });
    }
    const auto result = training.cache
                            ? fit_stage(view, problem, features, data, plan.fit, random, hooks)
                            : fit_stage(view, problem, data, plan.fit, random, hooks);
    if (observer.on_stage) observer.on_stage({plan.info, result, {}});
    if (result.diverged()) return;
  }

  StageChain chain(net->whole());
  StageReport whole{{stages.back().info.stage, 0, "whole", "reconstruction"}, {}, {}};
  for (const auto& [split, part] : data.parts()) {
    const auto scores = evaluate(chain, part, Target::features, training.pixels.metrics, split);
    whole.result.scores.insert(whole.result.scores.end(), scores.begin(), scores.end());
  }
  if (observer.on_stage) observer.on_stage(whole);
}

}  // namespace layerwise
