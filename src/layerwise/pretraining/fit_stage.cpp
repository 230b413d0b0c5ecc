#include "layerwise/pretraining/fit_stage.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <optional>
#include <stdexcept>
#include <string>

#include <fmt/format.h>

#include "layerwise/engines/engines.h"
#include "layerwise/engines/precision.h"
#include "layerwise/train/check_stage.h"
#include "layerwise/train/early_stopping.h"
#include "layerwise/upload.h"

namespace layerwise {

namespace {

/// The blocks that a stage must not change, frozen ones first.
std::vector<Block> untouched(const StageView& view) {
  auto blocks = view.frozen;
  blocks.insert(blocks.end(), view.idle.begin(), view.idle.end());
  return blocks;
}

torch::Device device_of(const StageView& view, const Split& data) {
  const auto parameter = first_parameter(*chain_of(view.trained));
  return parameter.defined() ? parameter.device() : data.train.inputs.device();
}

void require_unmoved(const std::vector<uint64_t>& before, const std::vector<uint64_t>& after) {
  const auto [moved, _] = std::mismatch(before.begin(), before.end(), after.begin());
  if (moved == before.end()) return;
  throw std::logic_error(fmt::format("block {} is frozen, but its bits changed during the stage",
                                     moved - before.begin() + 1));
}

/// The inputs themselves, since the frozen blocks' output differs in every epoch.
Features augmented(const StageView& view, const Split& data) {
  const auto* said =
      view.frozen.empty() ? "" : "features computed for every batch: the inputs are augmented";
  return {data, view.frozen, said};
}

/// @param view without the frozen blocks whose output `data` are
/// @param features where they are kept, in words
StageResult fit_and_evaluate(const StageView& view, const Problem& problem, const Split& data,
                             const FitOptions& options, Random& random, std::span<const Hook> hooks,
                             const std::string& features) {
  const auto engine = make_engine(view, problem, data, options);
  engine->note_features(features);
  StageResult result;
  result.engine = engine->use();
  std::vector<Hook> all(hooks.begin(), hooks.end());
  std::optional<BestValues> best;
  if (auto stopping = options.early_stopping) {
    if (stopping->metric.empty() && !problem.objective.terms.empty())
      stopping->metric = problem.objective.loss().name;
    check(*stopping, problem.objective, data);
    best.emplace(view.trained, *stopping);
    all.emplace_back(std::ref(*best));
  }
  result.fit = fit(*engine, data.train.size(), options, random, all);
  if (best) {
    result.fit.best_step = best->step();
    if (best->restore()) engine->weights_changed();
  }
  for (const auto& [split, _] : data.parts()) {
    const auto scores = engine->evaluate(split);
    result.scores.insert(result.scores.end(), scores.begin(), scores.end());
  }
  result.last_batch = engine->evaluate_last_batch();
  return result;
}

}  // namespace

bool StageResult::diverged() const {
  return fit.diverged_in > 0 || std::any_of(scores.begin(), scores.end(), [](const Score& score) {
           return !std::isfinite(score.value);
         });
}

StageResult fit_stage(const StageView& view, const Problem& problem, const Split& data,
                      const FitOptions& options, Random& random, std::span<const Hook> hooks) {
  check(options, data.train.size());
  settle_precision(options.engine.precision, device_of(view, data));
  const auto before = fingerprints(untouched(view));
  auto result = fit_and_evaluate(view, problem, data, options, random, hooks, "");
  require_unmoved(before, fingerprints(untouched(view)));
  return result;
}

StageResult fit_stage(const StageView& view, const Problem& problem, FeatureCache& features,
                      const Split& data, const FitOptions& options, Random& random,
                      std::span<const Hook> hooks) {
  check(options, data.train.size());
  check_stage(view, problem, data, smallest_batch(data.train.size(), options));
  settle_precision(options.engine.precision, device_of(view, data));
  const auto before = fingerprints(untouched(view));
  if (problem.augmentation && options.engine.cache.required()) {
    throw std::invalid_argument(
        "an augmentation changes the inputs in every epoch, so that features cannot be kept");
  }
  const auto idle = before.begin() + static_cast<std::ptrdiff_t>(view.frozen.size());
  auto [kept, frozen, place] =
      problem.augmentation ? augmented(view, data)
                           : features.of(view.frozen, {before.begin(), idle}, options.engine.cache);
  const auto targets_of = [](const Dataset& part, const torch::Tensor& inputs) {
    const bool apart = part.targets.defined() && inputs.defined() && !inputs.is_cpu();
    return apart ? upload(part.targets, inputs.device()) : part.targets;
  };
  kept.train.targets = targets_of(data.train, kept.train.inputs);
  kept.test.targets = targets_of(data.test, kept.test.inputs);
  kept.validation.targets = targets_of(data.validation, kept.validation.inputs);
  auto result = fit_and_evaluate({frozen, view.trained, view.code}, problem, kept, options, random,
                                 hooks, place);
  require_unmoved(before, fingerprints(untouched(view)));
  return result;
}

}  // namespace layerwise
