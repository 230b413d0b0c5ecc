#include "layerwise/train/evaluate.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <stdexcept>

#include <fmt/format.h>
#include <torch/utils.h>

namespace layerwise {

namespace {

constexpr int64_t chunk_rows = 1024;

template <typename Visit>
void for_each_chunk(torch::nn::Sequential& chain, const torch::Tensor& inputs, Visit visit) {
  torch::NoGradGuard no_grad;
  chain->eval();
  for (int64_t begin = 0; begin < inputs.size(0); begin += chunk_rows) {
    const int64_t rows = std::min(chunk_rows, inputs.size(0) - begin);
    // A copy: a module may work in place, and these rows belong to others.
    visit(chain->forward(inputs.narrow(0, begin, rows).clone()), begin, rows);
  }
}

}  // namespace

torch::Tensor forward_in_chunks(torch::nn::Sequential chain, const torch::Tensor& inputs) {
  torch::Tensor outputs;
  for_each_chunk(chain, inputs, [&](const torch::Tensor& output, int64_t begin, int64_t rows) {
    if (!outputs.defined()) {
      auto shape = output.sizes().vec();
      shape[0] = inputs.size(0);
      outputs = torch::empty(shape, output.options());
    }
    outputs.narrow(0, begin, rows).copy_(output);
  });
  return outputs;
}

std::vector<Score> evaluate(torch::nn::Sequential chain, const Dataset& data,
                            const std::vector<Metric>& metrics, const std::string& split) {
  std::vector<Score> scores;
  for (const auto& metric : metrics) scores.push_back({split, metric.name, 0.0});
  for_each_chunk(chain, data.inputs, [&](const torch::Tensor& output, int64_t begin, int64_t rows) {
    const auto targets = data.targets.narrow(0, begin, rows);
    for (size_t i = 0; i < metrics.size(); ++i) {
      scores[i].value +=
          metrics[i].mean(output, targets).item<double>() * static_cast<double>(rows);
    }
  });
  for (auto& score : scores) {
    score.value /= static_cast<double>(data.size());
    if (std::isnan(score.value))
      score.value = std::numeric_limits<double>::quiet_NaN();  // prints without a sign
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
