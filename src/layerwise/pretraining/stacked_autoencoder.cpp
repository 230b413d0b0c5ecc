#include "layerwise/pretraining/stacked_autoencoder.h"

#include <algorithm>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include <fmt/format.h>

#include "layerwise/engines/engines.h"
#include "layerwise/train/check_stage.h"

namespace layerwise {

namespace {

/// The options of the stage, with Adam's step counter continuing from the earlier stages.
FitOptions counted_on(const AutoencoderStage& stage, const StackedAutoencoderOptions& training,
                      int64_t steps) {
  auto fit = stage.fit;
  auto* adam = std::get_if<Adam>(&fit.optimizer);
  if (adam == nullptr || !training.shared_adam_counter || stage.phase == 0) return fit;
  adam->steps_before = std::get<Adam>(training.phase(stage.phase).optimizer).steps_before + steps;
  return fit;
}

}  // namespace

const FitOptions& StackedAutoencoderOptions::phase(int64_t k) const {
  return phases.size() == 1 ? phases.front() : phases.at(static_cast<size_t>(k - 1));
}

std::vector<AutoencoderStage> stages_of(const StackedAutoencoderOptions& training, int64_t depth,
                                        int64_t rows) {
  const auto sets = static_cast<int64_t>(training.phases.size());
  if (sets != 1 && (training.jointly || sets != depth)) {
    throw std::invalid_argument(fmt::format("stages_of: {} sets of options for {} phases", sets,
                                            training.jointly ? 1 : depth));
  }
  std::vector<AutoencoderStage> stages;
  const auto add = [&](const char* variant, int64_t phase, const FitOptions& fit) {
    check(fit, rows);
    if (fit.schedule.over_all_stages)
      throw std::invalid_argument("stages_of: phases of their own lengths have no one schedule");
    const auto number = static_cast<int64_t>(stages.size()) + 1;
    stages.push_back({{number, 0, variant, Task::reconstruction}, phase, fit});
  };
  if (training.jointly) {
    add("", 0, training.phase(1));
  } else {
    int64_t steps = 0;
    for (int64_t k = 1; k <= depth; ++k) {
      auto fit = training.phase(k);
      auto* adam = std::get_if<Adam>(&fit.optimizer);
      if (adam != nullptr && training.shared_adam_counter) adam->steps_before += steps;
      steps += steps_of(rows, fit);
      add("", k, fit);
    }
  }
  if (training.fine_tuning) add("fine_tuned", 0, *training.fine_tuning);
  return stages;
}

Plan plan_of(const StackedAutoencoderOptions& training, int64_t depth, const Split& data) {
  const auto names = [](const Objective& objective) {
    std::vector<std::string> metrics;
    for (const auto& metric : objective.metrics) metrics.push_back(metric.name);
    return metrics;
  };
  const auto stages = stages_of(training, depth, data.train.size());
  Plan plan;
  for (const auto& [info, phase, fit] : stages) {
    plan.emplace_back(info, fit.epochs,
                      scores_of(names_of(data), names(training.objective(phase))));
  }
  plan.emplace_back(whole_chain(stages), 0, scores_of(names_of(data), names(training.pixels)));
  return plan;
}

void skip_stages(const StackedAutoencoderOptions& training, int64_t depth, int64_t rows,
                 int64_t stages, Random& random) {
  for (const auto& stage : stages_of(training, depth, rows)) {
    if (stage.info.stage > stages) break;
    if (stage.fit.early_stopping)
      throw std::invalid_argument("skip_stages: a stage that may end early cannot be skipped");
    const auto an_epoch = steps_per_epoch(rows, stage.fit);
    for (int64_t step = 0; step < steps_of(rows, stage.fit); step += an_epoch)
      rows_of_epoch(rows, stage.fit, random);
  }
}

StageInfo whole_chain(const std::vector<AutoencoderStage>& stages) {
  return {stages.back().info.stage, 0, "whole", Task::reconstruction};
}

void train_stacked_autoencoder(StackedAutoencoder& net, const Split& data,
                               const StackedAutoencoderOptions& training, Random& random,
                               const Observer& observer, const AutoencoderProgress& done) {
  const int64_t rows = data.train.size();
  std::optional<FeatureCache> features(data);
  const auto stages = stages_of(training, net->depth(), rows);
  const auto view_of = [&](const AutoencoderStage& stage) {
    return stage.phase == 0 ? net->whole() : net->phase(stage.phase);
  };
  const auto problem_of = [&](const AutoencoderStage& stage) -> Problem {
    return {training.objective(stage.phase), Target::features, training.corruption, random.noise,
            static_cast<uint32_t>(stage.info.stage)};
  };
  for (const auto& stage : stages)
    check_stage(view_of(stage), problem_of(stage), data, smallest_batch(rows, stage.fit));
  int64_t steps = done.steps;
  for (const auto& stage : stages) {
    if (stage.info.stage <= done.stages) continue;
    const auto options = counted_on(stage, training, steps);
    const auto result = fit_stage(view_of(stage), problem_of(stage), *features, data, options,
                                  random, progress_hooks(observer, stage.info));
    steps += result.fit.steps;
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
