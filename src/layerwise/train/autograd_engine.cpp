#include "layerwise/train/autograd_engine.h"

#include <algorithm>
#include <stdexcept>
#include <utility>

#include <torch/optim/sgd.h>
#include <torch/utils.h>

#include "layerwise/nn/chain.h"
#include "layerwise/train/evaluate.h"

namespace layerwise {

namespace {

std::unique_ptr<torch::optim::Optimizer> make_optimizer(const torch::nn::Module& chain,
                                                        const Sgd& sgd) {
  auto parameters = trainable_parameters(chain);
  if (parameters.empty()) throw std::invalid_argument("fit: the stage has no trainable parameter");
  return std::make_unique<torch::optim::SGD>(
      std::move(parameters), torch::optim::SGDOptions(sgd.learning_rate).momentum(sgd.momentum));
}

}  // namespace

AutogradEngine::AutogradEngine(torch::nn::Sequential chain, Objective objective, Split data,
                               const FitOptions& options)
    : chain_(std::move(chain)),
      objective_(std::move(objective)),
      data_(std::move(data)),
      batch_size_(options.batch_size),
      optimizer_(make_optimizer(*chain_, options.optimizer)) {}

double AutogradEngine::run(std::span<const int64_t> rows) {
  chain_->train();
  const auto order = torch::tensor(c10::ArrayRef<int64_t>(rows.data(), rows.size()))
                         .to(data_.train.inputs.device());
  const auto inputs = data_.train.inputs.index_select(0, order);
  const auto targets = data_.train.targets.index_select(0, order);
  const int64_t count = inputs.size(0);
  auto sum = torch::zeros({}, inputs.options().dtype(torch::kFloat64));
  for (int64_t begin = 0; begin < count; begin += batch_size_) {
    const int64_t batch = std::min(batch_size_, count - begin);
    optimizer_->zero_grad();
    const auto loss = objective_.loss.mean(chain_->forward(inputs.narrow(0, begin, batch)),
                                           targets.narrow(0, begin, batch));
    loss.backward();
    optimizer_->step();
    sum.add_(loss.detach(), static_cast<double>(batch));
    ++steps_;
  }
  return sum.item<double>() / static_cast<double>(count);
}

std::vector<Score> AutogradEngine::evaluate() {
  auto scores = layerwise::evaluate(chain_, data_.train, objective_.metrics, "train");
  const auto held_out = layerwise::evaluate(chain_, data_.test, objective_.metrics, "test");
  scores.insert(scores.end(), held_out.begin(), held_out.end());
  return scores;
}

}  // namespace layerwise
