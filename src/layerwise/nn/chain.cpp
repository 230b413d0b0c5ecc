#include "layerwise/nn/chain.h"

#include <algorithm>
#include <functional>
#include <iterator>
#include <stdexcept>
#include <string_view>

#include <torch/utils.h>

namespace layerwise {

namespace {

std::vector<torch::Tensor> tensors_of(const torch::nn::Module& module) {
  auto tensors = module.parameters();
  const auto buffers = module.buffers();
  tensors.insert(tensors.end(), buffers.begin(), buffers.end());
  return tensors;
}

}  // namespace

SequentialBlockImpl::SequentialBlockImpl(torch::nn::Sequential layers_)
    : layers(register_module("layers", std::move(layers_))) {}

std::shared_ptr<torch::nn::Module> SequentialBlockImpl::clone(
    const torch::optional<torch::Device>& device) const {
  torch::nn::Sequential copies;  // Sequential's own clone would number the layers anew
  size_t i = 0;
  for (const auto& child : layers->named_children())
    copies->push_back(child.key(), std::next(std::as_const(*layers).begin(), i++)->clone(device));
  return std::make_shared<SequentialBlockImpl>(copies);
}

torch::nn::Sequential chain_of(const std::vector<Block>& blocks) {
  torch::nn::Sequential chain;
  for (const auto& block : blocks) chain->push_back(block);
  return chain;
}

void set_requires_grad(const torch::nn::Module& module, bool requires_grad) {
  for (auto& parameter : module.parameters()) parameter.requires_grad_(requires_grad);
}

std::vector<torch::Tensor> trainable_parameters(const torch::nn::Module& module) {
  std::vector<torch::Tensor> distinct;
  for (const auto& parameter : module.parameters()) {
    const bool seen = std::any_of(distinct.begin(), distinct.end(),
                                  [&](const auto& other) { return other.is_same(parameter); });
    if (parameter.requires_grad() && !seen) distinct.push_back(parameter);
  }
  return distinct;
}

torch::Tensor first_parameter(const torch::nn::Module& module) {
  const auto parameters = module.parameters();
  return parameters.empty() ? torch::Tensor() : parameters.front();
}

void copy_values(const torch::nn::Module& from, torch::nn::Module& to) {
  torch::NoGradGuard no_grad;
  const auto copy = [](const auto& source, const auto& target) {
    if (source.keys() != target.keys())
      throw std::invalid_argument("copy_values: the modules have other tensors");
    for (const auto& item : source) {
      const auto& old = target[item.key()];
      if (old.sizes() != item.value().sizes())
        throw std::invalid_argument("copy_values: '" + item.key() + "' has another shape");
      old.detach().copy_(item.value());
    }
  };
  copy(from.named_parameters(), to.named_parameters());
  copy(from.named_buffers(), to.named_buffers());
}

size_t copy_matching_values(const torch::nn::Module& from, torch::nn::Module& to) {
  torch::NoGradGuard no_grad;
  size_t copied = 0;
  const auto copy = [&](const auto& source, const auto& target) {
    for (const auto& item : target) {
      const auto* value = source.find(item.key());
      if (value == nullptr || value->sizes() != item.value().sizes()) continue;
      item.value().detach().copy_(*value);
      ++copied;
    }
  };
  copy(from.named_parameters(), to.named_parameters());
  copy(from.named_buffers(), to.named_buffers());
  return copied;
}

uint64_t fingerprint(const torch::nn::Module& module) {
  uint64_t hash = 0;
  for (const auto& tensor : tensors_of(module)) {
    const bool plain = tensor.is_cpu() && tensor.is_contiguous();
    const auto values = plain ? tensor : tensor.detach().cpu().contiguous();
    const std::string_view bytes(static_cast<const char*>(values.data_ptr()), values.nbytes());
    hash = hash * 0x9e3779b97f4a7c15U + std::hash<std::string_view>{}(bytes);
  }
  return hash;
}

std::vector<uint64_t> fingerprints(const std::vector<Block>& blocks) {
  std::vector<uint64_t> prints;
  for (const auto& block : blocks) prints.push_back(fingerprint(*block.ptr()));
  return prints;
}

Snapshot::Snapshot(const torch::nn::Module& module) {
  for (const auto& tensor : tensors_of(module)) kept_.push_back({tensor, tensor.detach().clone()});
}

void Snapshot::restore() const {
  torch::NoGradGuard no_grad;
  for (const auto& [tensor, value] : kept_) tensor.detach().copy_(value);
}

}  // namespace layerwise
