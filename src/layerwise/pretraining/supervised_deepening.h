#pragma once

#include <cstdint>
#include <optional>

#include "layerwise/pretraining/stage_runner.h"

namespace layerwise {

struct SupervisedDeepeningOptions {
  int64_t layers = 12;  ///< the final count, the head included
  FitOptions fit = {};
  std::optional<FineTuning> fine_tuning = {};  ///< all weights at the end
};

/// The fits that `deepen_supervised` makes of a network with one hidden layer, scored on the parts
/// that the data have.
Plan plan_of(const SupervisedDeepeningOptions& options, const Split& data);

/// Greedy layer-wise pretraining of a classifier, supervised.
///
/// Fit a network of one hidden layer; then, until it has `layers` layers: freeze the hidden layers,
/// insert a new one before the output layer, which is kept, and fit again. Optionally all weights
/// are fitted at the end, after which the untouched weights are put back. A stage that diverges is
/// the last: whatever comes after it would be fitted to NaN.
/// @param net one hidden block and a head that puts out logits
/// @param next_block makes each further block
/// @param random the streams; of a training that goes on, as they were at its last checkpoint
/// @param done stages that `net` has already been through, each of which added its block
/// @throws std::invalid_argument if `layers` is less than the network has, or as `fit`
/// @see Brownlee, "How to Use Greedy Layer-Wise Pretraining in Deep Learning Neural Networks",
/// 2019; Bengio et al.,
///   "Greedy Layer-Wise Training of Deep Networks", 2007, section 4.1 (there each stage has a new
///   output layer)
void deepen_supervised(GreedyNet& net, const Split& data, const SupervisedDeepeningOptions& options,
                       const BlockFactory& next_block, Random& random,
                       const Observer& observer = {}, int64_t done = 0);

}  // namespace layerwise
