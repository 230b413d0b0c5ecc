#include "layerwise/engines/stage_pass.h"

#include <stdexcept>
#include <utility>

#include <fmt/format.h>
#include <torch/utils.h>

#include "layerwise/engines/precision.h"

namespace layerwise {

StagePass::StagePass(const StageView& view, Problem problem, Split data, Precision precision)
    : chain_(view), problem_(std::move(problem)), data_(std::move(data)), precision_(precision) {}

Dataset StagePass::batch_of(std::span<const int64_t> rows) const {
  const auto& [inputs, targets] = data_.train;
  const bool given = problem_.target == Target::given;
  const auto device = chain_.parameter().defined() ? chain_.parameter().device() : inputs.device();
  auto batch = rows_of({inputs, given ? targets : torch::Tensor()}, rows, device);
  batch.inputs = values_for(chain_.parameter(), batch.inputs);
  if (given) batch.targets = values_for(chain_.parameter(), batch.targets);
  return batch;
}

NoisePlace StagePass::place_of(std::span<const int64_t> rows, int64_t step) const {
  return {problem_.noise, problem_.stage, static_cast<uint32_t>(step), rows};
}

Pass StagePass::forward(const torch::Tensor& inputs, const torch::Tensor& targets,
                        const NoisePlace& place, bool corrupted, bool augmented) {
  const Autocast cast(precision_, inputs.device());
  const auto features =
      chain_.features(augmented ? problem_.augmentation->apply(inputs, augmenting(place)) : inputs);
  Corrupted given{features, {}};
  if (corrupted) given = problem_.corruption->apply(features, place);
  // The blocks may work in place, but not on what they are to reconstruct.
  const bool own = problem_.target == Target::features;
  if (own && given.input.is_same(features)) given.input = features.clone();
  auto pass = chain_.forward(given.input);
  pass.target = own ? features : targets;
  pass.hit = given.hit;
  return pass;
}

Dataset StagePass::part(const std::string& split) const {
  for (const auto& [name, data] : data_.parts()) {
    if (name == split) return data;
  }
  throw std::invalid_argument(fmt::format("evaluate: there is no split '{}'", split));
}

std::vector<Score> StagePass::evaluate(const std::string& split) {
  const Autocast cast(precision_, chain_.parameter().device());
  return layerwise::evaluate(chain_, part(split), problem_.target, problem_.objective.metrics,
                             split);
}

std::vector<Score> StagePass::evaluate_batch(std::span<const int64_t> rows, int64_t step) {
  if (rows.empty()) return {};
  torch::NoGradGuard no_grad;
  chain_.train(false);
  constexpr uint32_t only_evaluates = uint32_t{1} << 31;
  auto place = place_of(rows, step);
  place.stage += only_evaluates;
  const auto batch = batch_of(rows);
  const bool corrupted = problem_.corruption && problem_.corruption->in_evaluation;
  const auto pass = forward(batch.inputs, batch.targets, place, corrupted, false);
  std::vector<Metric> metrics = problem_.objective.metrics;
  const auto& terms = problem_.objective.terms;
  for (size_t i = 1; i < terms.size(); ++i) metrics.push_back(terms[i].metric);
  std::vector<torch::Tensor> means;
  for (const auto& metric : metrics) means.push_back(metric.mean(pass));
  std::vector<Score> scores;
  for (const double mean : fetched(means))
    scores.push_back({"last_batch", metrics[scores.size()].name, plain_nan(mean)});
  return scores;
}

}  // namespace layerwise
