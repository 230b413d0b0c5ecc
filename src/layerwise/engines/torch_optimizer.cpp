#include "layerwise/engines/torch_optimizer.h"

#include <sstream>
#include <stdexcept>
#include <string>
#include <tuple>
#include <type_traits>
#include <utility>
#include <variant>

#include <torch/optim/adam.h>
#include <torch/optim/adamw.h>
#include <torch/optim/rmsprop.h>
#include <torch/optim/sgd.h>
#include <torch/utils.h>

namespace layerwise {

namespace {

using torch::optim::OptimizerParamGroup;

/// Parameter groups: weights, which the decay applies to; and the rest: biases, and the scales and
/// shifts of normalizations.
template <typename Options>
std::vector<OptimizerParamGroup> groups_of(const std::vector<torch::Tensor>& parameters,
                                           const Options& options, double decay_of_weights) {
  std::vector<torch::Tensor> weights;
  std::vector<torch::Tensor> others;
  for (const auto& parameter : parameters)
    (parameter.dim() > 1 ? weights : others).push_back(parameter);
  std::vector<OptimizerParamGroup> groups;
  for (const auto& [tensors, decay] :
       {std::pair(weights, decay_of_weights), std::pair(others, 0.0)}) {
    if (tensors.empty()) continue;
    auto group_options = options;
    group_options.weight_decay(decay);
    groups.emplace_back(tensors, std::make_unique<Options>(group_options));
  }
  return groups;
}

/// The key of a parameter in an optimizer's state: a text in LibTorch 1, a pointer in 2.
template <typename Map>
typename Map::key_type key_of(const torch::Tensor& parameter) {
  if constexpr (std::is_same_v<typename Map::key_type, std::string>) {
    std::ostringstream key;
    key << parameter.unsafeGetTensorImpl();
    return key.str();
  } else {
    return parameter.unsafeGetTensorImpl();
  }
}

/// Makes Adam's step counter continue from earlier steps, with its moments at zero.
void set_step_counter(torch::optim::Adam& adam, int64_t step) {
  auto& states = adam.state();
  for (const auto& group : adam.param_groups()) {
    for (const auto& parameter : group.params()) {
      auto state = std::make_unique<torch::optim::AdamParamState>();
      state->step(step);
      state->exp_avg(torch::zeros_like(parameter));
      state->exp_avg_sq(torch::zeros_like(parameter));
      states[key_of<std::decay_t<decltype(states)>>(parameter)] = std::move(state);
    }
  }
}

/// Creates LibTorch's optimizer for each kind of optimizer here.
struct MakeOptimizer {
  const std::vector<torch::Tensor>& parameters;
  double l2;

  std::unique_ptr<torch::optim::Optimizer> operator()(const Sgd& sgd) const {
    const auto settings =
        torch::optim::SGDOptions(sgd.learning_rate).momentum(sgd.momentum).nesterov(sgd.nesterov);
    return std::make_unique<torch::optim::SGD>(groups_of(parameters, settings, l2), settings);
  }
  std::unique_ptr<torch::optim::Optimizer> operator()(const Adam& adam) const {
    const auto settings = torch::optim::AdamOptions(adam.learning_rate)
                              .betas(std::make_tuple(adam.beta1, adam.beta2))
                              .eps(adam.epsilon);
    auto optimizer =
        std::make_unique<torch::optim::Adam>(groups_of(parameters, settings, l2), settings);
    if (adam.steps_before > 0) set_step_counter(*optimizer, adam.steps_before);
    return optimizer;
  }
  std::unique_ptr<torch::optim::Optimizer> operator()(const AdamW& adam) const {
    const auto settings = torch::optim::AdamWOptions(adam.learning_rate)
                              .betas(std::make_tuple(adam.beta1, adam.beta2))
                              .eps(adam.epsilon);
    return std::make_unique<torch::optim::AdamW>(groups_of(parameters, settings, adam.weight_decay),
                                                 settings);
  }
  std::unique_ptr<torch::optim::Optimizer> operator()(const RmsProp& rms) const {
    const auto settings = torch::optim::RMSpropOptions(rms.learning_rate)
                              .alpha(rms.alpha)
                              .eps(rms.epsilon)
                              .momentum(rms.momentum);
    return std::make_unique<torch::optim::RMSprop>(groups_of(parameters, settings, l2), settings);
  }
  std::unique_ptr<torch::optim::Optimizer> operator()(const OwnOptimizer& own) const {
    return own.make(parameters, own.learning_rate);
  }
};

}  // namespace

TorchOptimizer::TorchOptimizer(const std::vector<torch::Tensor>& parameters,
                               const FitOptions& options) {
  if (parameters.empty()) throw std::invalid_argument("fit: the stage has no trainable parameter");
  optimizer_ = std::visit(MakeOptimizer{parameters, options.l2}, options.optimizer);
}

void TorchOptimizer::scale_learning_rate(double factor) {
  auto& groups = optimizer_->param_groups();
  if (learning_rates_.empty()) {
    for (auto& group : groups) learning_rates_.push_back(group.options().get_lr());
  }
  for (size_t i = 0; i < groups.size(); ++i)
    groups[i].options().set_lr(learning_rates_[i] * factor);
}

void TorchOptimizer::set_momentum(double momentum) {
  for (auto& group : optimizer_->param_groups())
    static_cast<torch::optim::SGDOptions&>(group.options()).momentum(momentum);
}

}  // namespace layerwise
