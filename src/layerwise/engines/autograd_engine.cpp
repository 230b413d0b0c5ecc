#include "layerwise/engines/autograd_engine.h"

#include <algorithm>
#include <sstream>
#include <stdexcept>
#include <string>
#include <tuple>
#include <type_traits>
#include <utility>
#include <variant>

#include <torch/cuda.h>
#include <torch/optim/adam.h>
#include <torch/optim/adamw.h>
#include <torch/optim/rmsprop.h>
#include <torch/optim/sgd.h>
#include <torch/utils.h>

#include "layerwise/engines/precision.h"
#include "layerwise/nn/chain.h"
#include "layerwise/nn/dense.h"
#include "layerwise/torch_random.h"

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

std::unique_ptr<torch::optim::Optimizer> make_optimizer(const torch::nn::Module& chain,
                                                        const FitOptions& options) {
  const auto parameters = trainable_parameters(chain);
  if (parameters.empty()) throw std::invalid_argument("fit: the stage has no trainable parameter");
  return std::visit(MakeOptimizer{parameters, options.l2}, options.optimizer);
}

/// Whether a block may draw random numbers: all may, except this library's own.
bool may_draw(const Block& block) {
  return block.ptr()->as<DenseImpl>() == nullptr &&
         block.ptr()->as<TransposedDenseImpl>() == nullptr;
}

/// Batches are gathered several at a time: as many complete ones as this many bytes of inputs hold.
/// On the CPU they stay in its cache; elsewhere each gathering uploads row numbers, which the
/// device waits for.
int64_t gathered_bytes(torch::Device device) {
  return int64_t{1} << (device.is_cpu() ? 18 : 26);
}

}  // namespace

std::string why_not_autograd(const StageView& view, const Problem&, const Split&,
                             const FitOptions& options) {
  const auto precision = options.engine.precision;
  if (precision == Precision::fp32) return {};
  const auto parameter = first_parameter(*chain_of(view.trained));
  if (!parameter.defined() || parameter.scalar_type() != torch::kFloat32)
    return fmt::format("{} needs float32 weights to round", name_of(precision));
  return why_not_in(precision, parameter.device());
}

AutogradEngine::AutogradEngine(const StageView& view, Problem problem, Split data,
                               const FitOptions& options)
    : pass_(view, std::move(problem), std::move(data), options.engine.precision),
      batch_size_(options.batch_size),
      optimizer_(make_optimizer(*pass_.chain().trained(), options)) {
  if (std::none_of(view.trained.begin(), view.trained.end(), may_draw)) return;
  const auto& [noise, stage] = std::tie(pass_.problem().noise, pass_.problem().stage);
  if (pass_.chain().parameter().is_cuda()) {  // where repeats run one after another
    torch::cuda::manual_seed_all(torch_seed(noise, stage));
  } else {
    generator_ = torch_generator(noise, stage);
  }
}

double AutogradEngine::run(std::span<const int64_t> rows) {
  pass_.chain().train(true);
  std::optional<WithGenerator> drawing;
  if (generator_) drawing.emplace(*generator_);
  const auto& problem = pass_.problem();
  const auto& inputs = pass_.data().train.inputs;
  const auto device = pass_.chain().parameter().device();
  const auto row_bytes =
      static_cast<int64_t>(inputs.nbytes()) / std::max<int64_t>(1, inputs.size(0));
  const int64_t batches_at_once =
      std::max<int64_t>(1, gathered_bytes(device) / std::max<int64_t>(1, row_bytes * batch_size_));
  const auto stride = static_cast<size_t>(batches_at_once * batch_size_);
  auto sum = torch::zeros({}, torch::dtype(torch::kFloat64).device(device));
  size_t step = 0;
  for (size_t begin = 0; begin < rows.size(); begin += stride) {
    const auto some_rows = rows.subspan(begin, std::min(stride, rows.size() - begin));
    const auto some = pass_.batch_of(some_rows);
    const auto count = static_cast<int64_t>(some_rows.size());
    for (int64_t first = 0; first < count; first += batch_size_) {
      const int64_t size = std::min(batch_size_, count - first);
      const auto batch = some_rows.subspan(static_cast<size_t>(first), static_cast<size_t>(size));
      optimizer_->zero_grad();
      const auto pass =
          pass_.forward(some.inputs.narrow(0, first, size),
                        some.targets.defined() ? some.targets.narrow(0, first, size) : some.targets,
                        pass_.place_of(batch, steps_), problem.corruption.has_value(),
                        problem.augmentation.has_value());
      const auto& terms = problem.objective.terms;
      const auto reported = terms.front().metric.mean(pass);
      auto loss = terms.front().weight == 1 ? reported : reported * terms.front().weight;
      for (size_t i = 1; i < terms.size(); ++i)
        loss = loss + terms[i].metric.mean(pass) * terms[i].weight;
      loss.backward();
      factors_.apply(step++, [&](double factor) { set_learning_rates(factor); });
      optimizer_->step();
      sum.add_(reported.detach(), static_cast<double>(size));
      ++steps_;
      if (begin + static_cast<size_t>(first + size) == rows.size())
        last_batch_.assign(batch.begin(), batch.end());
    }
  }
  factors_.clear();
  return sum.item<double>() / static_cast<double>(rows.size());
}

std::vector<Score> AutogradEngine::evaluate(const std::string& split) {
  return pass_.evaluate(split);
}

void AutogradEngine::scale_learning_rate(std::span<const double> factors) {
  factors_.set(factors);
}

void AutogradEngine::set_learning_rates(double factor) {
  auto& groups = optimizer_->param_groups();
  if (learning_rates_.empty()) {
    for (auto& group : groups) learning_rates_.push_back(group.options().get_lr());
  }
  for (size_t i = 0; i < groups.size(); ++i)
    groups[i].options().set_lr(learning_rates_[i] * factor);
}

std::vector<Score> AutogradEngine::evaluate_last_batch() {
  return pass_.evaluate_batch(last_batch_, steps_ - 1);
}

}  // namespace layerwise
