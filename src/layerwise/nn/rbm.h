#pragma once

#include <cstdint>
#include <vector>

#include <torch/nn/cloneable.h>
#include <torch/nn/pimpl.h>

#include "layerwise/nn/dense.h"
#include "layerwise/nn/initializers.h"
#include "layerwise/random.h"

namespace layerwise {

/// What the hidden units of an RBM are, given the visible ones.
enum class HiddenUnits {
  bernoulli,  ///< on with the probability of the logistic function
  gaussian,   ///< normal with variance 1 around their sum: a linear code
};

struct RbmOptions {
  int64_t visible = 0;
  int64_t hidden = 0;
  HiddenUnits hidden_units = HiddenUnits::bernoulli;
};

/// A restricted Boltzmann machine with Bernoulli visible units (values in [0, 1]).
///
/// The energy is E(v, h) = - h^T W v - b^T v - c^T h, plus h^T h / 2 for Gaussian hidden units. As
/// a block of a chain, it puts out the means of the hidden units, which are the data of the next
/// RBM.
/// @see Hinton, "Training Products of Experts by Minimizing Contrastive Divergence", 2002; Hinton
///   and Salakhutdinov, "Reducing the Dimensionality of Data with Neural Networks", 2006,
///   supplement
class RbmImpl : public torch::nn::Cloneable<RbmImpl> {
 public:
  /// @throws std::invalid_argument if a width is not positive
  explicit RbmImpl(const RbmOptions& options);

  void reset() override;
  void pretty_print(std::ostream& stream) const override;

  /// The means of the hidden units: `hidden_means(v)`.
  torch::Tensor forward(const torch::Tensor& v) { return hidden_means(v); }
  /// @param v [rows, visible], in [0, 1]
  /// @returns [rows, hidden]: the logistic function of W v + c, or W v + c itself
  torch::Tensor hidden_means(const torch::Tensor& v) const;
  /// @param h [rows, hidden]
  /// @returns [rows, visible]: the logistic function of W^T h + b
  torch::Tensor visible_means(const torch::Tensor& h) const;
  /// The free energy - log sum over h of exp(-E(v, h)), without the constant of the Gaussian
  /// integral.
  /// @returns [rows]
  torch::Tensor free_energy(const torch::Tensor& v) const;
  /// The same, where W v + c is known.
  /// @param sums [rows, hidden]
  torch::Tensor free_energy_of(const torch::Tensor& v, const torch::Tensor& sums) const;
  /// A stochastic estimate of the log of the pseudo-likelihood: the number of visible units times
  /// log P(v_i | the others), for one unit i of each row.
  /// @param v [rows, visible]; the estimate is for binary values, and others are flipped to 1 - v
  /// @param units [rows], int64: i of each row
  /// @returns [rows]
  /// @see scikit-learn, BernoulliRBM.score_samples
  torch::Tensor pseudo_log_likelihood(const torch::Tensor& v, const torch::Tensor& units) const;

  /// The layers of a network that computes the means: a copy of W with c, and W^T with b.
  Dense encoder_layer() const;
  Dense decoder_layer() const;

  RbmOptions options;
  torch::Tensor weight;        ///< W, [hidden, visible]
  torch::Tensor hidden_bias;   ///< c, [hidden]
  torch::Tensor visible_bias;  ///< b, [visible]
};
TORCH_MODULE(Rbm);

/// An RBM with weights drawn by an initializer, and zero biases.
Rbm make_rbm(const RbmOptions& options, Initializer initializer, RandomState& initialization);

}  // namespace layerwise
