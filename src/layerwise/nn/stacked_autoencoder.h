#pragma once

#include <cstdint>
#include <vector>

#include <torch/nn/module.h>
#include <torch/nn/pimpl.h>

#include "layerwise/nn/activation.h"
#include "layerwise/nn/chain.h"
#include "layerwise/nn/initializers.h"
#include "layerwise/random.h"

namespace layerwise {

/// An autoencoder with several hidden layers, each of which can be trained separately.
///
/// The encoder's blocks lead to the code, the decoder's blocks lead back. Block k of the encoder is
/// paired with the k-th last block of the decoder, which inverts it. Phase k trains this pair on
/// the output of the encoder's blocks before k, without the blocks between the pair. Parameters are
/// named `encoder.block1.weight`, ..., `decoder.block1.weight`, ..., both counted from the input to
/// the output.
/// @see Bengio et al., "Greedy Layer-Wise Training of Deep Networks", 2007, section 3
class StackedAutoencoderImpl : public torch::nn::Module {
 public:
  /// @param encoder_blocks from the input to the code
  /// @param decoder_blocks from the code to the output, the same number of blocks
  /// @throws std::invalid_argument if the numbers of blocks differ or are 0
  StackedAutoencoderImpl(const std::vector<Block>& encoder_blocks,
                         const std::vector<Block>& decoder_blocks);

  /// An independent copy with the same values. Decoders that are `TransposedDense` blocks are tied
  /// within the copy.
  /// @throws c10::Error if a block has no `clone` (`torch::nn::Cloneable` gives it one)
  std::shared_ptr<torch::nn::Module> clone(
      const torch::optional<torch::Device>& device = {}) const override;

  /// @param x [batch, ...], the input of the first block
  torch::Tensor forward(const torch::Tensor& x);
  torch::Tensor encode(const torch::Tensor& x);

  /// The number of blocks in the encoder, which is also the number of training phases.
  int64_t depth() const;
  /// Makes only block k of the encoder, k from 1, and its decoder trainable (`requires_grad`), and
  /// returns them as one stage on the frozen blocks below.
  /// @throws std::invalid_argument if k is not within 1..depth()
  StageView phase(int64_t k);
  /// Makes all blocks trainable and returns them as one stage.
  StageView whole();

  torch::nn::Sequential encoder;
  torch::nn::Sequential decoder;
};
TORCH_MODULE(StackedAutoencoder);

struct DenseAutoencoder {
  std::vector<int64_t> units = {784, 300, 150};  ///< of the input, then of each hidden layer
  Activation activation = Activation::elu;       ///< of all hidden layers, including the decoder's
  Activation output = Activation::linear;
  /// Whether each decoder weight is its encoder's weight transposed, as one shared tensor.
  bool tied = false;
  Initializer initializer = variance_scaling_;

  /// @throws std::invalid_argument if there is no hidden layer or a width is not positive
  StackedAutoencoder make(RandomState& initialization) const;
};

}  // namespace layerwise
