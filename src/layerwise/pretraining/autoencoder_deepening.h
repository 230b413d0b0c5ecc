#pragma once

#include <cstdint>
#include <optional>

#include "layerwise/pretraining/stage_runner.h"

namespace layerwise {

struct AutoencoderDeepeningOptions {
  int64_t layers = 7;  ///< final number of layers, including the output layer
  FitOptions fit = {};
  /// If set, also fine-tunes all weights on reconstruction, before a classifier is fitted.
  std::optional<FineTuning> fine_tune_autoencoder = {};
  /// If set, also fine-tunes all weights on classification, after the classifier was fitted.
  std::optional<FineTuning> fine_tune_classifier = {};
  bool code_statistics = false;  ///< report the statistics of the newest block
};

/// The fits that `deepen_autoencoder` runs for a network with one hidden layer, scored on every
/// split in the data.
Plan plan_of(const AutoencoderDeepeningOptions& options, const Split& data);

/// Greedy layer-wise pretraining of an autoencoder, unsupervised, which is scored as a classifier
/// after every stage.
///
/// First fits an autoencoder with one hidden layer. Then, until it has `layers` layers: freezes the
/// hidden layers, inserts a new one before the output layer, which is kept, and fits again. After
/// every stage a new output layer for the classes is fitted on the frozen hidden layers. Then the
/// autoencoder's own output layer is put back unchanged.
///
/// Fine-tuning is an additional scoring with a copy of the random streams, and the weights are
/// restored after it. So the autoencoder that is deepened further is the same, bit for bit, with
/// and without fine-tuning. Reported tasks: reconstruction, then classification; variants: "",
/// "fine_tuned_autoencoder", "fine_tuned_classifier", "fine_tuned_both". A reconstruction that
/// diverges is the last stage. Before anything is trained, the blocks and output layers of all
/// stages are made once, and checked.
/// @param net one hidden block, and a head that outputs as many values as an input row has
/// @param data its targets are the class labels
/// @param next_block creates each further block
/// @param classifier creates each output layer for the classes
/// @param random the random streams; to continue a training, in their state at its last checkpoint
/// @param done number of stages that `net` has completed; it must have the blocks that they added
/// @throws std::invalid_argument if `layers` is less than the network has, or as `fit` or
///   `check_stage`
/// @see Brownlee, "How to Use Greedy Layer-Wise Pretraining in Deep Learning Neural Networks",
///   2019; Bengio et al., "Greedy Layer-Wise Training of Deep Networks", 2007, section 3
void deepen_autoencoder(GreedyNet& net, const Split& data,
                        const AutoencoderDeepeningOptions& options, const BlockFactory& next_block,
                        const BlockFactory& classifier, Random& random,
                        const Observer& observer = {}, int64_t done = 0);

}  // namespace layerwise
