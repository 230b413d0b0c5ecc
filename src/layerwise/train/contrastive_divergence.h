#pragma once

#include <cstdint>
#include <optional>

#include "layerwise/train/objective.h"

namespace layerwise {

/// How an RBM learns: the gradient of the log-likelihood is the difference of two free energies,
/// that of the data and that of samples of the model, which a Markov chain approximates.
/// @see Hinton, "Training Products of Experts by Minimizing Contrastive Divergence", 2002;
///   Tieleman, "Training Restricted Boltzmann Machines using Approximations to the Likelihood
///   Gradient", 2008 (persistent)
struct ContrastiveDivergence {
  /// Another momentum in the first epochs.
  struct FirstEpochs {
    int64_t epochs = 5;
    double momentum = 0.5;
  };

  int64_t steps = 1;  ///< Gibbs steps of the chain before each update, k
  /// The chains run on from update to update, one for each row of a whole batch, from hidden units
  /// that are all off. Otherwise each update starts them at its batch.
  bool persistent = false;
  /// Samples of the visible units, as in LISA's tutorials; otherwise their means, as in Hinton's
  /// code.
  bool sample_visible = false;
  std::optional<FirstEpochs> first = {};  ///< only with `Sgd`
};

/// @throws std::invalid_argument if a count is not positive or the momentum is outside [0, 1)
void check(const ContrastiveDivergence& divergence);

/// What is reported of an RBM: `mse`, the mean squared error of reconstructing the data from the
/// means of the hidden units; `free_energy` of the data; and `pseudo_likelihood`, an estimate of
/// its log (see `RbmImpl::pseudo_log_likelihood`); each the mean over the rows. It has no loss: the
/// engine of `contrastive_divergence` knows the gradient.
Objective rbm_objective();

}  // namespace layerwise
