#include "layerwise/train/evaluate.h"

#include <cmath>
#include <limits>
#include <stdexcept>

#include <fmt/format.h>
#include <torch/utils.h>

#include "layerwise/data/chunks.h"
#include "layerwise/train/check_stage.h"

namespace layerwise {

namespace {

/// So many that products are efficient; of images fewer, whose outputs are large.
int64_t evaluated_at_once(const torch::Tensor& inputs) {
  return inputs.dim() > 2 ? 128 : 1024;
}

/// A copy of some rows of inputs as network values, because a network may change its inputs in
/// place.
torch::Tensor copy_of(const torch::Tensor& inputs, int64_t begin, int64_t rows) {
  const auto part = inputs.narrow(0, begin, rows);
  const auto values = values_of(part);
  return values.is_same(part) ? values.clone() : values;
}

}  // namespace

void Engine::scale_learning_rate(double) {
  throw std::logic_error("fit: the engine knows no schedules of the learning rate");
}

double plain_nan(double value) {
  return std::isnan(value) ? std::numeric_limits<double>::quiet_NaN() : value;
}

StageChain::StageChain(const StageView& view)
    : frozen_(chain_of(view.frozen)),
      trained_(chain_of(view.trained)),
      has_frozen_(!view.frozen.empty()),
      has_code_(view.code.has_value()) {
  if (!has_code_) return;
  const auto middle = view.trained.begin() + static_cast<std::ptrdiff_t>(*view.code) + 1;
  to_code_ = chain_of({view.trained.begin(), middle});
  from_code_ = chain_of({middle, view.trained.end()});
}

void StageChain::train(bool on) {
  trained_->train(on);
  frozen_->eval();
}

torch::Tensor StageChain::features(const torch::Tensor& inputs) {
  torch::NoGradGuard no_grad;
  return has_frozen_ ? forward_or_explain(frozen_, inputs) : inputs;
}

Pass StageChain::forward(const torch::Tensor& features) {
  Pass pass;
  if (has_code_) {
    pass.code = to_code_->forward(features);
    pass.output = from_code_->forward(pass.code);
  } else {
    pass.output = forward_or_explain(trained_, features);
  }
  return pass;
}

torch::Tensor forward_in_chunks(torch::nn::Sequential chain, const torch::Tensor& inputs) {
  const torch::NoGradGuard no_grad;
  chain->eval();
  torch::Tensor outputs;
  for_each_chunk(inputs.size(0), evaluated_at_once(inputs), [&](int64_t begin, int64_t rows) {
    const auto output = forward_or_explain(chain, copy_of(inputs, begin, rows));
    if (!outputs.defined()) {
      auto shape = output.sizes().vec();
      shape[0] = inputs.size(0);
      outputs = torch::empty(shape, output.options());
    }
    outputs.narrow(0, begin, rows).copy_(output);
  });
  return outputs;
}

std::vector<Score> evaluate(StageChain& chain, const Dataset& data, Target target,
                            const std::vector<Metric>& metrics, const std::string& split) {
  const torch::NoGradGuard no_grad;
  chain.train(false);
  std::vector<Score> scores;
  for (const auto& metric : metrics) scores.push_back({split, metric.name, 0.0});
  for_each_chunk(data.size(), evaluated_at_once(data.inputs), [&](int64_t begin, int64_t rows) {
    const auto features = chain.features(copy_of(data.inputs, begin, rows));
    // The trained blocks may work in place, but not on what they are to reconstruct.
    const bool own = target == Target::features;
    auto pass = chain.forward(own ? features.clone() : features);
    pass.target = own ? features : values_of(data.targets.narrow(0, begin, rows));
    for (size_t i = 0; i < metrics.size(); ++i) {
      scores[i].value += metrics[i].mean(pass).item<double>() * static_cast<double>(rows);
    }
  });
  for (auto& score : scores) {
    score.value /= static_cast<double>(data.size());
    score.value = plain_nan(score.value);
  }
  return scores;
}

double value_of(const std::vector<Score>& scores, const std::string& split,
                const std::string& metric) {
  for (const auto& score : scores) {
    if (score.split == split && score.metric == metric) return score.value;
  }
  throw std::out_of_range(fmt::format("no score '{}' of split '{}'", metric, split));
}

}  // namespace layerwise
