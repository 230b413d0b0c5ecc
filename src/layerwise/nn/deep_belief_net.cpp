#include "layerwise/nn/deep_belief_net.h"

#include <stdexcept>
#include <utility>

#include <fmt/format.h>

namespace layerwise {

DeepBeliefNetImpl::DeepBeliefNetImpl(const std::vector<Rbm>& stack)
    : rbms(register_module("rbms", torch::nn::Sequential())) {
  if (stack.empty()) throw std::invalid_argument("DeepBeliefNet: there is no RBM");
  for (size_t i = 0; i < stack.size(); ++i) {
    if (i > 0 && stack[i]->options.visible != stack[i - 1]->options.hidden) {
      throw std::invalid_argument(
          fmt::format("DeepBeliefNet: RBM {} has {} visible units, and the one below {} hidden",
                      i + 1, stack[i]->options.visible, stack[i - 1]->options.hidden));
    }
    if (i > 0 && stack[i - 1]->options.hidden_units == HiddenUnits::gaussian) {
      throw std::invalid_argument(fmt::format(
          "DeepBeliefNet: RBM {} has Gaussian hidden units, and is not the top one", i));
    }
    rbms->push_back(fmt::format("rbm{}", i + 1), stack[i]);
  }
}

Rbm DeepBeliefNetImpl::rbm(int64_t k) const {
  if (k < 1 || k > depth()) throw std::invalid_argument(fmt::format("RBM {} of {}", k, depth()));
  return Rbm(std::dynamic_pointer_cast<RbmImpl>(rbms->ptr(static_cast<size_t>(k - 1))));
}

StageView DeepBeliefNetImpl::phase(int64_t k) {
  const auto trained = rbm(k);
  set_requires_grad(*this, false);
  set_requires_grad(*trained, true);
  StageView view;
  view.trained = {Block(trained)};
  view.code = 0;
  for (int64_t i = 1; i <= depth(); ++i) {
    if (i < k) view.frozen.emplace_back(rbm(i));
    if (i > k) view.idle.emplace_back(rbm(i));
  }
  return view;
}

std::vector<Block> DeepBeliefNetImpl::encoder_blocks() const {
  std::vector<Block> blocks;
  for (int64_t k = 1; k <= depth(); ++k) blocks.emplace_back(rbm(k)->encoder_layer());
  return blocks;
}

StackedAutoencoder DeepBeliefNetImpl::unrolled() const {
  std::vector<Block> down;
  for (int64_t k = depth(); k >= 1; --k) down.emplace_back(rbm(k)->decoder_layer());
  return StackedAutoencoder(encoder_blocks(), down);
}

DeepBeliefNet DeepBeliefNetOptions::make(RandomState& initialization) const {
  if (units.size() < 2)
    throw std::invalid_argument("a deep belief net needs the input's units and a hidden layer's");
  std::vector<Rbm> stack;
  for (size_t i = 1; i < units.size(); ++i) {
    const auto hidden = i + 1 == units.size() ? code : HiddenUnits::bernoulli;
    stack.push_back(make_rbm({units[i - 1], units[i], hidden}, initializer, initialization));
  }
  return DeepBeliefNet(stack);
}

}  // namespace layerwise
