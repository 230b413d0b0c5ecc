#pragma once

#include <cstdint>
#include <vector>

#include <torch/nn/module.h>
#include <torch/nn/modules/container/sequential.h>
#include <torch/nn/pimpl.h>

#include "layerwise/nn/greedy_net.h"
#include "layerwise/nn/rbm.h"
#include "layerwise/nn/stacked_autoencoder.h"

namespace layerwise {

/// A stack of RBMs, each of which models the means of the hidden units of the one below.
/// Parameters are named `rbms.rbm1.weight`, `rbms.rbm1.hidden_bias`, ...
/// @see Hinton, Osindero and Teh, "A fast learning algorithm for deep belief nets", 2006
class DeepBeliefNetImpl : public torch::nn::Module {
 public:
  /// @throws std::invalid_argument if there is none, or one does not fit the one below
  explicit DeepBeliefNetImpl(const std::vector<Rbm>& rbms);

  /// The code: the means of the top RBM's hidden units.
  torch::Tensor forward(const torch::Tensor& x) { return rbms->forward(x); }
  int64_t depth() const { return static_cast<int64_t>(rbms->size()); }
  /// RBM k, from 1.
  Rbm rbm(int64_t k) const;
  /// Makes only RBM k, from 1, trainable, and returns it as one stage on those below.
  /// @throws std::invalid_argument if k is not within 1..depth()
  StageView phase(int64_t k);

  /// The hidden blocks of a classifier, or an encoder: copies of the layers, as `Dense` blocks.
  std::vector<Block> encoder_blocks() const;
  /// The stack unrolled into an autoencoder: the layers up, and their transposes down, as
  /// independent copies.
  /// @see Hinton and Salakhutdinov 2006, figure 1
  StackedAutoencoder unrolled() const;

  torch::nn::Sequential rbms;
};
TORCH_MODULE(DeepBeliefNet);

/// A stack of RBMs with random weights.
struct DeepBeliefNetOptions {
  std::vector<int64_t> units = {784, 1000, 1000, 1000};  ///< of the input, then of each RBM
  HiddenUnits code = HiddenUnits::bernoulli;             ///< of the top RBM; the others: Bernoulli
  Initializer initializer = small_normal_;

  /// @throws std::invalid_argument if there is no hidden layer or a width is not positive
  DeepBeliefNet make(RandomState& initialization) const;
};

}  // namespace layerwise
