#pragma once

#include <string>
#include <vector>

#include "layerwise/data/dataset.h"
#include "layerwise/nn/chain.h"
#include "layerwise/nn/dense.h"
#include "layerwise/train/fit.h"
#include "layerwise/train/problem.h"

namespace layerwise {

/// The layers of a stage that is a chain of `Dense` blocks. They are their owner's.
std::vector<Dense> dense_layers(const StageView& view);

/// Why closed-form gradients do not cover a stage: what of it is no `Dense` block, or is left to
/// autograd; empty if they do.
std::string why_not_dense(const StageView& view, const Problem& problem, const Split& data,
                          const FitOptions& options);

/// The same for the tiny engine, which asks for more.
std::string why_not_tiny(const StageView& view, const Problem& problem, const Split& data,
                         const FitOptions& options);

}  // namespace layerwise
