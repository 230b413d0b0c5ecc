#pragma once

#include <span>
#include <vector>

#include "layerwise/data/dataset.h"
#include "layerwise/nn/chain.h"
#include "layerwise/pretraining/feature_cache.h"
#include "layerwise/train/fit.h"
#include "layerwise/train/problem.h"

namespace layerwise {

struct StageResult {
  FitResult fit;
  std::vector<Score>
      scores;  ///< at the end of the stage, every metric of the objective on every split
  std::vector<Score> last_batch;  ///< see `Engine::evaluate_last_batch`
  EngineUse engine;               ///< what took the steps
  /// Some loss or score is not finite.
  bool diverged() const;
};

/// Fits a stage's trained blocks to what its frozen blocks put out.
///
/// The optimizer starts afresh. With `options.early_stopping` the fit may end early, and the blocks
/// then have the values that did best; scores are those of the values that the blocks have at the
/// end. Frozen and idle blocks must come out of it bit for bit as they went
/// in, parameters and buffers.
/// @param data the inputs; the frozen blocks are run for every batch
/// @throws std::logic_error naming the block, if a frozen one has moved
/// @throws std::invalid_argument if the data or `options.early_stopping` do not fit the stage
/// @throws EngineUnavailable saying why, if `options.engine` asks for what cannot do this
StageResult fit_stage(const StageView& view, const Problem& problem, const Split& data,
                      const FitOptions& options, Random& random, std::span<const Hook> hooks = {});

/// As above, with the frozen blocks' output taken from a cache.
/// @param features the cache over `data`'s inputs
StageResult fit_stage(const StageView& view, const Problem& problem, FeatureCache& features,
                      const Split& data, const FitOptions& options, Random& random,
                      std::span<const Hook> hooks = {});

}  // namespace layerwise
