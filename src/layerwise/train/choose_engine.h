#pragma once

#include <memory>

#include "layerwise/data/dataset.h"
#include "layerwise/nn/chain.h"
#include "layerwise/train/engine.h"
#include "layerwise/train/fit.h"
#include "layerwise/train/problem.h"

namespace layerwise {

/// The engine that `options.engine` asks for; of `automatic`, the fastest of tiny, dense and
/// autograd that can do this, whose `use()` then says why.
/// @throws std::invalid_argument as `check_stage`
/// @throws EngineUnavailable saying why, if the one asked for cannot do this, or none can with the
///   precision asked for
std::unique_ptr<Engine> make_engine(const StageView& view, const Problem& problem,
                                    const Split& data, const FitOptions& options);

}  // namespace layerwise
