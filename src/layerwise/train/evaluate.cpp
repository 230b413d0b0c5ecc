#include "layerwise/train/evaluate.h"

#include <cmath>
#include <limits>
#include <stdexcept>
#include <utility>

#include <fmt/format.h>
#include <torch/utils.h>

#include "layerwise/data/chunks.h"
#include "layerwise/data/mapped_tensor.h"
#include "layerwise/train/check_stage.h"

namespace layerwise {

namespace {

/// So many rows that products are efficient; of images fewer on the CPU, whose cache holds those.
int64_t evaluated_at_once(const torch::Tensor& inputs, const torch::Tensor& parameter) {
  const bool on_cpu = !parameter.defined() || parameter.is_cpu();
  return inputs.dim() > 2 && on_cpu ? 128 : 1024;
}

/// A copy of some rows of inputs as network values, because a network may change its inputs in
/// place.
torch::Tensor copy_of(const torch::Tensor& inputs, int64_t begin, int64_t rows,
                      const torch::Tensor& parameter) {
  const auto part = inputs.narrow(0, begin, rows);
  const auto values = values_for(parameter, part);
  const auto copy = values.is_same(part) ? values.clone() : values;
  release_pages(inputs);
  return copy;
}

}  // namespace

void Engine::scale_learning_rate(std::span<const double>) {
  throw std::logic_error("fit: the engine knows no schedules of the learning rate");
}

std::vector<double> fetched(const std::vector<torch::Tensor>& scalars) {
  if (scalars.empty()) return {};
  std::vector<torch::Tensor> doubles;
  for (const auto& scalar : scalars)
    doubles.push_back(scalar.to(scalars.front().device(), torch::kFloat64).reshape({}));
  const auto values = torch::stack(doubles).cpu();
  return {values.data_ptr<double>(), values.data_ptr<double>() + values.numel()};
}

double plain_nan(double value) {
  return std::isnan(value) ? std::numeric_limits<double>::quiet_NaN() : value;
}

StageChain::StageChain(const StageView& view)
    : frozen_(chain_of(view.frozen)),
      trained_(chain_of(view.trained)),
      has_frozen_(!view.frozen.empty()),
      has_code_(view.code.has_value()),
      parameter_(first_parameter(*trained_)) {
  if (!parameter_.defined()) parameter_ = first_parameter(*frozen_);
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
  return has_frozen_ ? in_full(forward_or_explain(frozen_, inputs)) : inputs;
}

torch::Tensor StageChain::in_full(const torch::Tensor& output) const {
  return parameter_.defined() ? output.to(parameter_.scalar_type()) : output;
}

Pass StageChain::forward(const torch::Tensor& features) {
  Pass pass;
  if (has_code_) {
    pass.code = to_code_->forward(features);
    pass.output = from_code_->forward(pass.code);
  } else {
    pass.output = forward_or_explain(trained_, features);
  }
  pass.output = in_full(pass.output);
  return pass;
}

torch::Tensor forward_in_chunks(torch::nn::Sequential chain, const torch::Tensor& inputs) {
  return forward_in_chunks(std::move(chain), inputs, [](const torch::Tensor& first, auto shape) {
    return torch::empty(shape, first.options());
  });
}

torch::Tensor forward_in_chunks(
    torch::nn::Sequential chain, const torch::Tensor& inputs,
    const std::function<torch::Tensor(const torch::Tensor&, torch::IntArrayRef)>& make_room) {
  const torch::NoGradGuard no_grad;
  chain->eval();
  const auto parameter = first_parameter(*chain);
  torch::Tensor outputs;
  bool ended = false;
  for_each_chunk(
      inputs.size(0), evaluated_at_once(inputs, parameter), [&](int64_t begin, int64_t rows) {
        if (ended) return;
        const auto output = forward_or_explain(chain, copy_of(inputs, begin, rows, parameter));
        if (!outputs.defined()) {
          auto shape = output.sizes().vec();
          shape[0] = inputs.size(0);
          outputs = make_room(output, shape);
          ended = !outputs.defined();
          if (ended) return;
        }
        outputs.narrow(0, begin, rows).copy_(output);
        release_pages(outputs);
      });
  return outputs;
}

std::vector<Score> evaluate(StageChain& chain, const Dataset& data, Target target,
                            const std::vector<Metric>& metrics, const std::string& split) {
  const torch::NoGradGuard no_grad;
  chain.train(false);
  std::vector<torch::Tensor> sums(metrics.size());  // on the device, which computes on meanwhile
  for_each_chunk(
      data.size(), evaluated_at_once(data.inputs, chain.parameter()),
      [&](int64_t begin, int64_t rows) {
        const auto features = chain.features(copy_of(data.inputs, begin, rows, chain.parameter()));
        // The trained blocks may work in place, but not on what they are to reconstruct.
        const bool own = target == Target::features;
        auto pass = chain.forward(own ? features.clone() : features);
        pass.target =
            own ? features : values_for(chain.parameter(), data.targets.narrow(0, begin, rows));
        for (size_t i = 0; i < metrics.size(); ++i) {
          const auto sum = metrics[i].mean(pass).to(torch::kFloat64).mul(static_cast<double>(rows));
          sums[i] = sums[i].defined() ? sums[i].add_(sum) : sum;
        }
      });
  std::vector<Score> scores;
  for (const double sum : fetched(sums)) {
    const auto mean = sum / static_cast<double>(data.size());
    scores.push_back({split, metrics[scores.size()].name, plain_nan(mean)});
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
