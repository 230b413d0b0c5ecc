#pragma once

#include <cstdint>
#include <vector>

#include "layerwise/nn/deep_belief_net.h"
#include "layerwise/pretraining/stage_runner.h"
#include "layerwise/train/contrastive_divergence.h"

namespace layerwise {

/// Options for the training of a stack of RBMs. Each list has one item for each RBM, or one for
/// all.
struct DeepBeliefNetTraining {
  std::vector<FitOptions> phases = {FitOptions{}};
  std::vector<ContrastiveDivergence> divergences = {ContrastiveDivergence{}};

  /// Of RBM k, from 1: with the engine of its contrastive divergence.
  FitOptions phase(int64_t k) const;
};

/// The fits that `train_deep_belief_net` runs, scored on every split in the data.
/// @throws std::invalid_argument as `check`, or if a list has another number of items
Plan plan_of(const DeepBeliefNetTraining& training, int64_t depth, const Split& data);

/// Trains a stack of RBMs, one after another. RBM k is trained on the means of the hidden units of
/// those below, which are frozen; stage k is numbered k. A stage that diverges is the last.
/// @param data inputs in [0, 1]; targets are ignored
/// @param done number of RBMs that are trained already
/// @returns false if a stage diverged
/// @throws std::invalid_argument as `plan_of`
/// @see Hinton, Osindero and Teh, "A fast learning algorithm for deep belief nets", 2006; Bengio et
///   al., "Greedy Layer-Wise Training of Deep Networks", 2007, section 2.3
bool train_deep_belief_net(DeepBeliefNet& net, const Split& data,
                           const DeepBeliefNetTraining& training, Random& random,
                           const Observer& observer = {}, int64_t done = 0);

}  // namespace layerwise
