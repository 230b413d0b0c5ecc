#pragma once

#include <cstdint>
#include <optional>

#include "layerwise/nn/corruption.h"
#include "layerwise/train/objective.h"

namespace layerwise {

/// What a stage's targets are.
enum class Target {
  given,     ///< those of the data set
  features,  ///< what the trained blocks are given, without corruption
};

/// What one stage is to learn.
struct Problem {
  Objective objective;
  Target target = Target::given;
  std::optional<Corruption> corruption = {};  ///< of what the trained blocks are given
  NoiseKey noise = {};  ///< whose corruption, and whose draws in blocks like Dropout
  uint32_t stage = 1;   ///< in which stage, from 1
};

}  // namespace layerwise
