#pragma once

#include <span>
#include <vector>

#include "layerwise/data/dataset.h"
#include "layerwise/nn/greedy_net.h"
#include "layerwise/train/feature_cache.h"
#include "layerwise/train/fit.h"
#include "layerwise/train/objective.h"

namespace layerwise {

struct StageResult {
  FitResult fit;
  std::vector<Score>
      scores;  ///< at the end of the stage, every metric of the objective on both splits
  /// Some loss or score is not finite.
  bool diverged() const;
};

/// Fits the trainable part of a network to the features of its frozen blocks.
///
/// The optimizer starts afresh. Frozen blocks must come out of it bit for bit as they went in,
/// parameters and buffers.
/// @param features the cache over `data`'s inputs
/// @throws std::logic_error naming the block, if a frozen one has moved
StageResult fit_stage(GreedyNet& net, FeatureCache& features, const Split& data,
                      const Objective& objective, const FitOptions& options, RandomState& order,
                      std::span<const Hook> hooks = {});

}  // namespace layerwise
