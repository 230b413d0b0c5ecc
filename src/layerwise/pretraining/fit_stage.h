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
  /// Every metric of the objective on every split, at the end of the stage.
  std::vector<Score> scores;
  std::vector<Score> last_batch;  ///< see `Engine::evaluate_last_batch`
  EngineUse engine;               ///< the engine that took the steps
  /// Whether some loss or score is not finite.
  bool diverged() const;
};

/// Fits the trained blocks of a stage to the output of its frozen blocks.
///
/// The optimizer starts without any state. With `options.early_stopping` the fit may end early, and
/// the blocks then have their best values. Scores belong to the values that the blocks have at the
/// end. Frozen and idle blocks must not change: their parameters and buffers are compared bit for
/// bit.
/// @param data the inputs; the frozen blocks are run for every batch
/// @throws std::logic_error naming the block, if a frozen or idle one has changed
/// @throws std::invalid_argument if the data or `options.early_stopping` do not fit the stage
/// @throws EngineUnavailable saying why, if `options.engine` requests an engine that does not
///   support this stage
StageResult fit_stage(const StageView& view, const Problem& problem, const Split& data,
                      const FitOptions& options, Random& random, std::span<const Hook> hooks = {});

/// As above, but takes the frozen blocks' output from a cache, as `options.engine.cache` says;
/// unless the inputs are augmented.
/// @param features the cache over the inputs of `data`
/// @throws std::invalid_argument if the inputs are augmented and the cache is asked for
/// @throws FileError if a file for the features cannot be made
StageResult fit_stage(const StageView& view, const Problem& problem, FeatureCache& features,
                      const Split& data, const FitOptions& options, Random& random,
                      std::span<const Hook> hooks = {});

}  // namespace layerwise
