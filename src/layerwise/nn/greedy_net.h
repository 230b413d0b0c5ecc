#pragma once

#include <cstdint>
#include <vector>

#include <torch/nn/module.h>
#include <torch/nn/pimpl.h>

#include "layerwise/nn/chain.h"

namespace layerwise {

/// A network that grows: a chain of hidden blocks, and an output layer (the head) that stays on
/// top.
///
/// The first `frozen_blocks()` blocks are frozen: their parameters require no gradient, and they
/// stay in evaluation mode, also after `train()`. A stage trains the rest, `trainable()`.
/// Parameters are named `hidden.block1.weight`, ..., `head.output.weight`; a name does not change
/// when the network grows. Heads of earlier stages may be kept as exits, `exits.block1.weight`,
/// ..., each behind its block. They take no part in `forward`.
class GreedyNetImpl : public torch::nn::Module {
 public:
  GreedyNetImpl(Block first, Block head);
  /// @param hidden_blocks in order, none of them frozen; if empty, the head alone is the network
  GreedyNetImpl(const std::vector<Block>& hidden_blocks, Block head);

  /// @param x [batch, ...], the input of the first block
  torch::Tensor forward(const torch::Tensor& x);

  /// An independent copy with the same values and the same frozen blocks.
  /// @throws c10::Error if a block has no `clone` (`torch::nn::Cloneable` gives it one)
  std::shared_ptr<torch::nn::Module> clone(
      const torch::optional<torch::Device>& device = {}) const override;

  /// Freezes all existing blocks and inserts `block` between them and the head.
  void deepen(Block block);
  /// Replaces the head and returns the old one, unchanged.
  Block exchange_head(Block head);
  /// The same, but keeps the old head, frozen, as the exit of the block before the newest: a stage
  /// of deepening has just added a block.
  /// @throws std::logic_error if that block has an exit already, or there is no such block
  void keep_head_as_exit(Block head);
  /// The outputs of every exit, in the order of the blocks, and of the head, last.
  /// @param x [batch, ...], the input of the first block
  std::vector<torch::Tensor> forward_exits(const torch::Tensor& x);
  /// Freezes every hidden block, so that only the head is trained.
  void freeze_hidden();
  /// Unfreezes all blocks, so that everything is trained, as in fine-tuning.
  void unfreeze();

  /// Sets the mode of the trainable part; frozen blocks stay in evaluation mode.
  void train(bool on = true) override;

  /// The number of hidden blocks plus the head, as the tutorial counts layers.
  int64_t layers() const;
  int64_t frozen_blocks() const { return frozen_; }
  /// The hidden blocks begin, ..., end-1.
  std::vector<Block> blocks(int64_t begin, int64_t end) const;
  std::vector<Block> blocks() const { return blocks(0, layers() - 1); }
  /// The blocks that are not frozen, and the head.
  torch::nn::Sequential trainable() const;
  /// The blocks that the next fit trains, and the frozen blocks below them.
  StageView stage() const;
  /// Where its parameters are; the CPU if it has none.
  torch::Device device() const;

  torch::nn::Sequential hidden;
  torch::nn::Sequential head;
  torch::nn::Sequential exits;  ///< in the order of their blocks; not run as a chain

 private:
  void append(Block block);
  void freeze(int64_t count);

  int64_t frozen_ = 0;
};
TORCH_MODULE(GreedyNet);

}  // namespace layerwise
