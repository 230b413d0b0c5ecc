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

/// Creates the engine that `options` request: by `options.make_engine` if it is set, else the
/// engine in `options.engine`. `automatic` gives the fastest engine that supports the stage; its
/// `use()` then says why.
/// @throws std::invalid_argument as `check_stage`, or if the objective has no loss and
///   `options.make_engine` is not set
/// @throws EngineUnavailable saying why, if the requested engine does not support the stage, or no
///   engine supports the requested precision
std::unique_ptr<Engine> make_engine(const StageView& view, const Problem& problem,
                                    const Split& data, const FitOptions& options);

/// The names of the engines in options: `auto`, then all engines, the slowest first.
std::vector<std::string> engine_names();
/// @throws std::invalid_argument listing the names, if `name` is none of them
EngineKind engine_named(const std::string& name);
const char* name_of(EngineKind kind);

}  // namespace layerwise
