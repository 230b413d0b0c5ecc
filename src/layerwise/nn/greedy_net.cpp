#include "layerwise/nn/greedy_net.h"

#include <utility>

#include <fmt/format.h>

namespace layerwise {

namespace {

torch::nn::Sequential head_of(Block block) {
  torch::nn::Sequential chain;
  chain->push_back("output", std::move(block));
  return chain;
}

}  // namespace

GreedyNetImpl::GreedyNetImpl(Block first, Block head_block)
    : GreedyNetImpl(std::vector<Block>{std::move(first)}, std::move(head_block)) {}

GreedyNetImpl::GreedyNetImpl(const std::vector<Block>& hidden_blocks, Block head_block)
    : hidden(register_module("hidden", torch::nn::Sequential())),
      head(register_module("head", head_of(std::move(head_block)))),
      exits(register_module("exits", torch::nn::Sequential())) {
  for (const auto& block : hidden_blocks) append(block);
}

std::shared_ptr<torch::nn::Module> GreedyNetImpl::clone(
    const torch::optional<torch::Device>& device) const {
  std::vector<Block> copies;
  for (const auto& block : blocks()) copies.push_back(block.clone(device));
  auto copy = std::make_shared<GreedyNetImpl>(copies, std::as_const(*head).begin()->clone(device));
  auto exit = std::as_const(*exits).begin();
  for (const auto& name : exits->named_children().keys())
    copy->exits->push_back(name, (exit++)->clone(device));
  copy->freeze(frozen_);
  copy->train(is_training());
  return copy;
}

torch::Tensor GreedyNetImpl::forward(const torch::Tensor& x) {
  return head->forward(hidden->is_empty() ? x : hidden->forward(x));
}

void GreedyNetImpl::deepen(Block block) {
  freeze_hidden();
  block.ptr()->to(device());
  append(std::move(block));
}

Block GreedyNetImpl::exchange_head(Block block) {
  block.ptr()->to(device());
  Block old = *head->begin();
  head = replace_module("head", head_of(std::move(block)));
  return old;
}

void GreedyNetImpl::keep_head_as_exit(Block block) {
  const auto name = fmt::format("block{}", layers() - 2);
  if (layers() < 3 || exits->named_children().contains(name))
    throw std::logic_error(fmt::format("GreedyNet: {} cannot have an exit", name));
  Block old = exchange_head(std::move(block));
  set_requires_grad(*old.ptr(), false);
  old.ptr()->eval();
  exits->push_back(name, std::move(old));
}

std::vector<torch::Tensor> GreedyNetImpl::forward_exits(const torch::Tensor& x) {
  std::vector<torch::Tensor> outputs;
  const auto names = hidden->named_children();
  const auto with_exit = exits->named_children();
  auto exit = exits->begin();
  auto features = x;
  size_t number = 0;
  for (auto& block : *hidden) {
    features = block.forward(features);
    if (with_exit.contains(names[number++].key())) outputs.push_back((exit++)->forward(features));
  }
  outputs.push_back(head->forward(features));
  return outputs;
}

void GreedyNetImpl::freeze_hidden() {
  freeze(layers() - 1);
}

void GreedyNetImpl::unfreeze() {
  freeze(0);
}

void GreedyNetImpl::train(bool on) {
  torch::nn::Module::train(on);
  exits->eval();
  for (auto& block : blocks(0, frozen_)) block.ptr()->eval();
}

int64_t GreedyNetImpl::layers() const {
  return static_cast<int64_t>(hidden->size()) + 1;
}

std::vector<Block> GreedyNetImpl::blocks(int64_t begin, int64_t end) const {
  return {std::as_const(*hidden).begin() + begin, std::as_const(*hidden).begin() + end};
}

torch::nn::Sequential GreedyNetImpl::trainable() const {
  return chain_of(stage().trained);
}

StageView GreedyNetImpl::stage() const {
  StageView view{blocks(0, frozen_), blocks(frozen_, layers() - 1)};
  view.trained.push_back(*std::as_const(*head).begin());
  view.idle = {std::as_const(*exits).begin(), std::as_const(*exits).end()};
  return view;
}

void GreedyNetImpl::append(Block block) {
  hidden->push_back(fmt::format("block{}", layers()), std::move(block));
}

void GreedyNetImpl::freeze(int64_t count) {
  frozen_ = count;
  const auto all = blocks();
  for (int64_t i = 0; i < layers() - 1; ++i) {
    set_requires_grad(*all[static_cast<size_t>(i)].ptr(), i >= count);
  }
  train(is_training());
}

torch::Device GreedyNetImpl::device() const {
  const auto all = parameters();
  return all.empty() ? torch::Device(torch::kCPU) : all.front().device();
}

}  // namespace layerwise
