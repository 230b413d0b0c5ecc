#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "layerwise/pretraining/stage_runner.h"

namespace layerwise {

/// What becomes of the hidden blocks of earlier stages.
enum class EarlierBlocks {
  frozen,   ///< greedy layer-wise training
  trained,  ///< all blocks are trained in every stage
  random,  ///< they get their initial weights back and are frozen: a control without learned blocks
};

/// What becomes of the head when a network is deepened.
enum class HeadPolicy {
  kept,   ///< it goes on as it is, as in the tutorial
  fresh,  ///< a new one takes its place, as in the papers
  /// A new one takes its place, with the old one's values where it has tensors of the same name and
  /// shape.
  warm,
};
const char* name_of(HeadPolicy policy);
/// @throws std::invalid_argument listing the names, if `name` is none of them
HeadPolicy head_policy_named(const std::string& name);
std::vector<std::string> head_policy_names();

struct SupervisedDeepeningOptions {
  int64_t layers = 12;  ///< final number of layers, including the head
  FitOptions fit = {};
  std::optional<FineTuning> fine_tuning = {};  ///< if set, fine-tunes all weights at the end
  HeadPolicy head = HeadPolicy::kept;
  BlockFactory next_head = {};  ///< creates each further head, unless it is kept
  /// Keep the heads of earlier stages as exits, and report `ensemble_accuracy` on the rows that do
  /// not train: that of the mean of all heads' class probabilities, where each further head weighs
  /// twice as much as the one before it.
  /// @see Belilovsky et al., "Greedy Layerwise Learning Can Scale to ImageNet", 2019, section 4.1
  bool ensemble = false;
  std::optional<Augmentation> augmentation = {};  ///< of the inputs, see `Problem`
  bool code_statistics = false;                   ///< report the statistics of the newest block
  EarlierBlocks earlier_blocks = EarlierBlocks::frozen;
};

/// The fits that `deepen_supervised` runs for a network with one hidden layer, scored on every
/// split in the data.
Plan plan_of(const SupervisedDeepeningOptions& options, const Split& data);

/// Greedy layer-wise pretraining of a classifier, supervised.
///
/// First fits a network with one hidden layer. Then, until it has `layers` layers: freezes the
/// hidden layers (or see `earlier_blocks`), inserts a new one before the output layer, which is
/// kept (or replaced, see `head`), and fits again. Optionally all weights are fitted at the
/// end; afterwards the original weights are restored. A stage that diverges is the last, because
/// everything after it would be fitted to NaN. Before anything is trained, the blocks and heads of
/// all stages are made once, and checked.
/// @param net one hidden block and a head that outputs logits
/// @param next_block creates each further block
/// @param random the random streams; to continue a training, in their state at its last checkpoint
/// @param done number of stages that `net` has completed; it must have the blocks that they added
/// @throws std::invalid_argument if `layers` is less than the network has, `next_head` is missing
/// or
///   has no effect, an ensemble of one head is asked for, no tensor of a new head fits the old
///   one's where it is to start from them, or as `fit` or `check_stage`
/// @see Brownlee, "How to Use Greedy Layer-Wise Pretraining in Deep Learning Neural Networks",
///   2019; Bengio et al., "Greedy Layer-Wise Training of Deep Networks", 2007, section 4.1 (there
///   each stage has a new output layer)
void deepen_supervised(GreedyNet& net, const Split& data, const SupervisedDeepeningOptions& options,
                       const BlockFactory& next_block, Random& random,
                       const Observer& observer = {}, int64_t done = 0);

}  // namespace layerwise
