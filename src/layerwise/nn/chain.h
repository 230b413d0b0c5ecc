#pragma once

#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

#include <torch/nn/module.h>
#include <torch/nn/modules/container/any.h>
#include <torch/nn/modules/container/sequential.h>
#include <torch/nn/pimpl.h>
#include <torch/types.h>

namespace layerwise {

/// One layer of a chain: any `torch::nn` module whose `forward` takes a tensor and returns one,
/// wrapped as `Block(Module(...))`.
using Block = torch::nn::AnyModule;

/// A `Sequential` as one module of a chain; LibTorch's own `Sequential` cannot be used as one.
class SequentialBlockImpl : public torch::nn::Module {
 public:
  explicit SequentialBlockImpl(torch::nn::Sequential layers_);
  std::shared_ptr<torch::nn::Module> clone(
      const torch::optional<torch::Device>& device = {}) const override;
  torch::Tensor forward(const torch::Tensor& x) { return layers->forward(x); }

  torch::nn::Sequential layers;
};
TORCH_MODULE(SequentialBlock);

/// Several modules as one block: `block(Linear(2, 10), BatchNorm1d(10), ReLU())`.
template <typename... Modules>
Block block(Modules&&... modules) {
  return Block(SequentialBlock(torch::nn::Sequential(std::forward<Modules>(modules)...)));
}

/// A `Sequential` over existing blocks: the layers are shared, not copied.
torch::nn::Sequential chain_of(const std::vector<Block>& blocks);

/// One stage's view of the blocks of a network. The network keeps the ownership of the blocks.
struct StageView {
  std::vector<Block> frozen;        ///< the blocks below the trained ones, in order
  std::vector<Block> trained;       ///< the blocks that the stage fits, in order
  std::optional<size_t> code = {};  ///< index of the trained block whose output is the code
  std::vector<Block> idle = {};     ///< the network's other blocks, which take no part in the stage
};

/// Sets `requires_grad` of every parameter.
void set_requires_grad(const torch::nn::Module& module, bool requires_grad);

/// The parameters that require a gradient. A parameter that several modules share is listed once:
/// LibTorch's `parameters()` lists it twice, and an optimizer would update it twice.
std::vector<torch::Tensor> trainable_parameters(const torch::nn::Module& module);

/// The first parameter of a module; undefined if it has none.
torch::Tensor first_parameter(const torch::nn::Module& module);

/// Copies the values of a module's parameters and buffers to another module with the same names and
/// shapes.
/// @throws std::invalid_argument if names or shapes differ
void copy_values(const torch::nn::Module& from, torch::nn::Module& to);

/// Copies the values of those parameters and buffers that both modules have, with the same name and
/// shape.
/// @returns how many there were
size_t copy_matching_values(const torch::nn::Module& from, torch::nn::Module& to);

/// `fingerprint` of each block.
std::vector<uint64_t> fingerprints(const std::vector<Block>& blocks);

/// A hash over the bits of all parameters and buffers, in the order of their registration.
uint64_t fingerprint(const torch::nn::Module& module);

/// The values of a module's parameters and buffers at one moment.
class Snapshot {
 public:
  explicit Snapshot(const torch::nn::Module& module);
  /// Restores the values, bit for bit.
  void restore() const;

 private:
  struct Kept {
    torch::Tensor tensor;
    torch::Tensor value;
  };
  std::vector<Kept> kept_;
};

}  // namespace layerwise
