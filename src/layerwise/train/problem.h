#pragma once

#include <cstdint>
#include <optional>

#include "layerwise/nn/augmentation.h"
#include "layerwise/nn/corruption.h"
#include "layerwise/train/objective.h"

namespace layerwise {

/// The targets of a stage.
enum class Target {
  given,     ///< the targets of the data set
  features,  ///< the input of the trained blocks, without corruption
  none,      ///< the objective compares with nothing, as that of an RBM
};

/// The learning problem of one stage.
struct Problem {
  Objective objective;
  Target target = Target::given;
  std::optional<Corruption> corruption = {};  ///< of the input of the trained blocks
  NoiseKey noise = {};  ///< key of the corruption, and of draws in blocks like Dropout
  uint32_t stage = 1;   ///< number of the stage, from 1
  /// Of the inputs of training batches, before the frozen blocks; its numbers are those of place
  /// `stage` + 2^30.
  std::optional<Augmentation> augmentation = {};
};

}  // namespace layerwise
