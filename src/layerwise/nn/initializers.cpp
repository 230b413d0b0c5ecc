#include "layerwise/nn/initializers.h"

#include <algorithm>
#include <cmath>
#include <tuple>

#include <torch/nn/init.h>
#include <torch/utils.h>

namespace layerwise {

namespace {

template <typename Draw>
void fill(torch::Tensor& weight, Draw draw) {
  auto values = torch::empty(weight.sizes(), torch::kFloat64);
  auto* value = values.data_ptr<double>();
  for (int64_t i = 0; i < values.numel(); ++i) value[i] = draw();
  torch::NoGradGuard no_grad;
  weight.copy_(values);
}

void fill_uniform(torch::Tensor& weight, double limit, RandomState& random) {
  fill(weight, [&] { return random.uniform(-limit, limit); });
}

}  // namespace

void he_uniform_(torch::Tensor weight, RandomState& random) {
  const auto fan_in = std::get<0>(torch::nn::init::_calculate_fan_in_and_fan_out(weight));
  fill_uniform(weight, std::sqrt(6.0 / static_cast<double>(fan_in)), random);
}

void glorot_uniform_(torch::Tensor weight, RandomState& random) {
  const auto [fan_in, fan_out] = torch::nn::init::_calculate_fan_in_and_fan_out(weight);
  fill_uniform(weight, std::sqrt(6.0 / static_cast<double>(fan_in + fan_out)), random);
}

void variance_scaling_(torch::Tensor weight, RandomState& random) {
  const auto fan_in = std::get<0>(torch::nn::init::_calculate_fan_in_and_fan_out(weight));
  const double stddev = std::sqrt(1.3 * 2.0 / static_cast<double>(fan_in));
  fill(weight, [&] {
    double value = random.normal(0, 1);
    while (std::abs(value) > 2) value = random.normal(0, 1);
    return value * stddev;
  });
}

void fan_in_uniform_(torch::Tensor weight, RandomState& random) {
  const auto fan_in = std::get<0>(torch::nn::init::_calculate_fan_in_and_fan_out(weight));
  fill_uniform(weight, 1.0 / std::sqrt(static_cast<double>(fan_in)), random);
}

void sigmoid_uniform_(torch::Tensor weight, RandomState& random) {
  const auto [fan_in, fan_out] = torch::nn::init::_calculate_fan_in_and_fan_out(weight);
  fill_uniform(weight, 4 * std::sqrt(6.0 / static_cast<double>(fan_in + fan_out)), random);
}

void small_normal_(torch::Tensor weight, RandomState& random) {
  fill(weight, [&] { return random.normal(0, 0.1); });
}

void sparse_normal_(torch::Tensor weight, RandomState& random) {
  const int64_t units = weight.size(0);
  const int64_t inputs = weight.numel() / units;
  const int64_t connected = std::min<int64_t>(15, inputs);
  auto values = torch::zeros({units, inputs}, torch::kFloat64);
  for (int64_t unit = 0; unit < units; ++unit) {
    auto* row = values.data_ptr<double>() + unit * inputs;
    for (const auto input : random.independent_batches(inputs, connected, 1))
      row[input] = random.normal(0, 1);
  }
  torch::NoGradGuard no_grad;
  weight.copy_(values.view(weight.sizes()));
}

}  // namespace layerwise
