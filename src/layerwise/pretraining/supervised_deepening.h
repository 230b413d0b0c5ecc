#pragma once

#include <cstdint>
#include <optional>

#include "layerwise/pretraining/stage_runner.h"

namespace layerwise {

/// What becomes of the hidden blocks of earlier stages.
enum class EarlierBlocks {
  frozen,   ///< greedy layer-wise training
  trained,  ///< all blocks are trained in every stage
  random,  ///< they get their initial weights back and are frozen: a control without learned blocks
};

struct SupervisedDeepeningOptions {
  int64_t layers = 12;  ///< final number of layers, including the head
  FitOptions fit = {};
  std::optional<FineTuning> fine_tuning = {};  ///< if set, fine-tunes all weights at the end
  /// Creates a new head for each further stage; if empty, the head is kept.
  BlockFactory next_head = {};
  bool code_statistics = false;  ///< report the statistics of the newest block
  EarlierBlocks earlier_blocks = EarlierBlocks::frozen;
};

/// The fits that `deepen_supervised` runs for a network with one hidden layer, scored on every
/// split in the data.
Plan plan_of(const SupervisedDeepeningOptions& options, const Split& data);

/// Greedy layer-wise pretraining of a classifier, supervised.
///
/// First fits a network with one hidden layer. Then, until it has `layers` layers: freezes the
/// hidden layers (or see `earlier_blocks`), inserts a new one before the output layer, which is
/// kept (or replaced, see `next_head`), and fits again. Optionally all weights are fitted at the
/// end; afterwards the original weights are restored. A stage that diverges is the last, because
/// everything after it would be fitted to NaN.
/// @param net one hidden block and a head that outputs logits
/// @param next_block creates each further block
/// @param random the random streams; to continue a training, in their state at its last checkpoint
/// @param done number of stages that `net` has completed; it must have the blocks that they added
/// @throws std::invalid_argument if `layers` is less than the network has, or as `fit`
/// @see Brownlee, "How to Use Greedy Layer-Wise Pretraining in Deep Learning Neural Networks",
///   2019; Bengio et al., "Greedy Layer-Wise Training of Deep Networks", 2007, section 4.1 (there
///   each stage has a new output layer)
void deepen_supervised(GreedyNet& net, const Split& data, const SupervisedDeepeningOptions& options,
                       const BlockFactory& next_block, Random& random,
                       const Observer& observer = {}, int64_t done = 0);

}  // namespace layerwise
