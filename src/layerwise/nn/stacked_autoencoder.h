#pragma once

#include <cstdint>
#include <vector>

#include <torch/nn/module.h>
#include <torch/nn/pimpl.h>

#include "layerwise/nn/activation.h"
#include "layerwise/nn/chain.h"
#include "layerwise/nn/initialisers.h"
#include "layerwise/random.h"

namespace layerwise {

/// An autoencoder of several hidden layers, each of which can be trained by itself.
///
/// The encoder's blocks lead to the code, the decoder's back; block k of the encoder belongs to the
/// k-th last of the decoder, which undoes it. Phase k trains these two on what the encoder's blocks
/// before k put out, past everything between them. Parameters are named `encoder.block1.weight`,
/// ..., `decoder.block1.weight`, ..., both counted from the input to the output.
/// @see Bengio et al., "Greedy Layer-Wise Training of Deep Networks", 2007, section 3
class StackedAutoencoderImpl : public torch::nn::Module {
 public:
  /// @param encoder_blocks from the input to the code
  /// @param decoder_blocks from the code to the output, as many
  /// @throws std::invalid_argument if they are not as many, or none
  StackedAutoencoderImpl(const std::vector<Block>& encoder_blocks,
                         const std::vector<Block>& decoder_blocks);

  /// An autoencoder of its own with the same values; decoders that are `TransposedDense`
  /// blocks are tied within it.
  /// @throws c10::Error if a block has no `clone` (`torch::nn::Cloneable` gives it one)
  std::shared_ptr<torch::nn::Module> clone(
      const torch::optional<torch::Device>& device = {}) const override;

  /// @param x [batch, ...] as the first block takes it
  torch::Tensor forward(const torch::Tensor& x);
  torch::Tensor encode(const torch::Tensor& x);

  /// Blocks of the encoder, and phases of its training.
  int64_t depth() const;
  /// Lets only block k of the encoder, k from 1, and its decoder be trained (`requires_grad`), and
  /// shows them as one stage on the frozen blocks below.
  StageView phase(int64_t k);
  /// Lets everything be trained.
  StageView whole();

  torch::nn::Sequential encoder;
  torch::nn::Sequential decoder;
};
TORCH_MODULE(StackedAutoencoder);

struct DenseAutoencoder {
  std::vector<int64_t> units = {784, 300, 150};  ///< the input's, then each hidden layer's
  Activation activation = Activation::elu;       ///< of all hidden layers, the decoder's too
  Activation output = Activation::linear;
  bool tied = false;  ///< each decoder weight is its encoder's, transposed: one tensor
  Initialiser initialiser = variance_scaling_;

  /// @throws std::invalid_argument if there is no hidden layer or a width is not positive
  StackedAutoencoder make(RandomState& initialisation) const;
};

}  // namespace layerwise
