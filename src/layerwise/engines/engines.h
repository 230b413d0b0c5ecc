#pragma once

#include <memory>
#include <string>
#include <vector>

#include "layerwise/data/dataset.h"
#include "layerwise/nn/chain.h"
#include "layerwise/train/engine.h"
#include "layerwise/train/engine_options.h"
#include "layerwise/train/fit.h"
#include "layerwise/train/problem.h"

namespace layerwise {

/// The engine that `options` ask for: the one that `options.make_engine` makes; else the one of
/// `options.engine`; of `automatic`, the fastest that can do this, whose `use()` then says why.
/// @throws std::invalid_argument as `check_stage`
/// @throws EngineUnavailable saying why, if the one asked for cannot do this, or none can with the
///   precision asked for
std::unique_ptr<Engine> make_engine(const StageView& view, const Problem& problem,
                                    const Split& data, const FitOptions& options);

/// Engines as options call them: `auto`, and those there are, the slowest first.
std::vector<std::string> engine_names();
/// @throws std::invalid_argument listing the names, if it is none of them
EngineKind engine_named(const std::string& name);
const char* name_of(EngineKind kind);

}  // namespace layerwise
