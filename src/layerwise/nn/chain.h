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

/// One layer of a chain: any `torch::nn` module whose `forward` takes a tensor and returns one, as
/// `Block(Module(...))`.
using Block = torch::nn::AnyModule;

/// A `Sequential` as one module of a chain, which LibTorch's own `Sequential` cannot be.
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

/// A `Sequential` over blocks that somebody else owns: the layers are shared, not copied.
torch::nn::Sequential chain_of(const std::vector<Block>& blocks);

/// One stage's view on the blocks of a network, which the network goes on owning.
struct StageView {
  std::vector<Block> frozen;        ///< what the trained blocks stand on, in order
  std::vector<Block> trained;       ///< what the stage fits, in order
  std::optional<size_t> code = {};  ///< which trained block puts out the code
  std::vector<Block> idle = {};     ///< the network's other blocks, which have no part in the stage
};

/// Toggles `requires_grad` of every parameter.
void set_requires_grad(const torch::nn::Module& module, bool requires_grad);

/// The parameters that require a gradient, each once even where modules share it (LibTorch's
/// `parameters()` lists a shared tensor twice, and an optimizer would step it twice).
std::vector<torch::Tensor> trainable_parameters(const torch::nn::Module& module);

/// Gives a module's parameters and buffers the values of another's, which has the same.
/// @throws std::invalid_argument if names or shapes differ
void copy_values(const torch::nn::Module& from, torch::nn::Module& to);

/// `fingerprint` of each block.
std::vector<uint64_t> fingerprints(const std::vector<Block>& blocks);

/// A hash over the bits of all parameters and buffers, in the order in which they are registered.
uint64_t fingerprint(const torch::nn::Module& module);

/// The values of a module's parameters and buffers at one moment.
class Snapshot {
 public:
  explicit Snapshot(const torch::nn::Module& module);
  /// Puts the values back, bit for bit.
  void restore() const;

 private:
  struct Kept {
    torch::Tensor tensor;
    torch::Tensor value;
  };
  std::vector<Kept> kept_;
};

}  // namespace layerwise
