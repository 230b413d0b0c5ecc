#pragma once

#include <cstdint>
#include <optional>

#include "layerwise/pretraining/stage_runner.h"

namespace layerwise {

struct AutoencoderDeepeningOptions {
  int64_t layers = 7;  ///< the final count, the output layer included
  FitOptions fit = {};
  std::optional<FineTuning> fine_tune_autoencoder =
      {};  ///< all weights on reconstruction, before a classifier is fitted
  std::optional<FineTuning> fine_tune_classifier =
      {};  ///< all weights on classification, after it was
};

/// The fits that `deepen_autoencoder` makes of a network with one hidden layer, scored on the parts
/// that the data have.
Plan plan_of(const AutoencoderDeepeningOptions& options, const Split& data);

/// Greedy layer-wise pretraining of an autoencoder, unsupervised, scored as a classifier after
/// every stage.
///
/// Fit an autoencoder of one hidden layer; then, until it has `layers` layers: freeze the hidden
/// layers, insert a new one before the output layer, which is kept, and fit again. After every
/// stage a fresh output layer for the classes is fitted on the frozen hidden layers, and the
/// autoencoder's own is put back unchanged.
///
/// Fine-tuning is a second way through the scoring, on a copy and from the same state of the random
/// streams: the autoencoder that goes on being deepened is the same, bit for bit, with it and
/// without. Reported tasks: reconstruction, then classification; variants: "",
/// "fine_tuned_autoencoder", "fine_tuned_classifier", "fine_tuned_both". A reconstruction that
/// diverges is the last stage.
/// @param net one hidden block and a head that puts out as many values as an input row has
/// @param data its targets are the class labels
/// @param next_block makes each further block
/// @param classifier makes each output layer for the classes
/// @param random the streams; of a training that goes on, as they were at its last checkpoint
/// @param done stages that `net` has already been through, each of which added its block
/// @throws std::invalid_argument if `layers` is less than the network has, or as `fit`
/// @see Brownlee, "How to Use Greedy Layer-Wise Pretraining in Deep Learning Neural Networks",
/// 2019; Bengio et al.,
///   "Greedy Layer-Wise Training of Deep Networks", 2007, section 3
void deepen_autoencoder(GreedyNet& net, const Split& data,
                        const AutoencoderDeepeningOptions& options, const BlockFactory& next_block,
                        const BlockFactory& classifier, Random& random,
                        const Observer& observer = {}, int64_t done = 0);

}  // namespace layerwise
