#include "layerwise/pretraining/stacked_autoencoder.h"

#include <algorithm>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <variant>

#include <fmt/format.h>

#include "layerwise/train/choose_engine.h"

namespace layerwise {

namespace {

void skip(const AutoencoderStage& stage, int64_t rows, Random& random) {
  for (int64_t epoch = 0; epoch < stage.fit.epochs; ++epoch) rows_of_epoch(rows, stage.fit, random);
}

}  // namespace

const FitOptions& AutoencoderTraining::phase(int64_t k) const {
  return phases.size() == 1 ? phases.front() : phases.at(static_cast<size_t>(k - 1));
}

std::vector<AutoencoderStage> stages_of(const AutoencoderTraining& training, int64_t depth,
                                        int64_t rows) {
  const auto sets = static_cast<int64_t>(training.phases.size());
  if (sets != 1 && (training.jointly || sets != depth)) {
    throw std::invalid_argument(fmt::format("stages_of: {} sets of options for {} phases", sets,
                                            training.jointly ? 1 : depth));
  }
  std::vector<AutoencoderStage> stages;
  const auto add = [&](const char* variant, int64_t phase, const FitOptions& fit) {
    check(fit, rows);
    const auto number = static_cast<int64_t>(stages.size()) + 1;
    stages.push_back({{number, 0, variant, "reconstruction"}, phase, fit});
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
  return stages;
}

StageInfo whole_chain(const std::vector<AutoencoderStage>& stages) {
  return {stages.back().info.stage, 0, "whole", "reconstruction"};
}

void train_stacked_autoencoder(StackedAutoencoder& net, const Split& data,
                               const AutoencoderTraining& training, Random& random,
                               const Observer& observer, int64_t stages_done) {
  const int64_t rows = data.train.size();
  std::optional<FeatureCache> features(data);
  const auto stages = stages_of(training, net->depth(), rows);
  for (const auto& stage : stages) {
    if (stage.info.stage <= stages_done) {
      skip(stage, rows, random);
      continue;
    }
    const auto view = stage.phase == 0 ? net->whole() : net->phase(stage.phase);
    const Problem problem{stage.phase > 1 ? training.codes : training.pixels, Target::features,
                          training.corruption, random.noise,
                          static_cast<uint32_t>(stage.info.stage)};
    std::vector<Hook> hooks;
    if (observer.on_epoch) {
      hooks.emplace_back([&](const FitView& fit) { return observer.on_epoch(stage.info, fit); });
    }
    const auto result = training.cache
                            ? fit_stage(view, problem, *features, data, stage.fit, random, hooks)
                            : fit_stage(view, problem, data, stage.fit, random, hooks);
    if (observer.on_stage) observer.on_stage({stage.info, result, {}});
    if (result.diverged()) return;
  }

  features.reset();  // the most memory that a run takes, and not needed any more
  StageReport whole{whole_chain(stages), {}, {}};
  const auto engine =
      make_engine(net->whole(), {training.pixels, Target::features}, data, training.phase(1));
  for (const auto& [split, part] : data.parts()) {
    const auto scores = engine->evaluate(split);
    whole.result.scores.insert(whole.result.scores.end(), scores.begin(), scores.end());
  }
  if (observer.on_stage) observer.on_stage(whole);
}

}  // namespace layerwise
