#pragma once

#include <string>
#include <vector>

#include "layerwise/data/dataset.h"
#include "layerwise/nn/chain.h"
#include "layerwise/nn/dense.h"
#include "layerwise/train/fit.h"
#include "layerwise/train/problem.h"

namespace layerwise {

/// The layers of a stage that is a chain of `Dense` blocks. They are shared with their owner, not
/// copied.
std::vector<Dense> dense_layers(const StageView& view);

/// The reason why the dense engine cannot run this stage (the part that is no `Dense` block or is
/// left to autograd); empty if it can.
std::string why_not_dense(const StageView& view, const Problem& problem, const Split& data,
                          const FitOptions& options);

/// The same for the tiny engine, which has further requirements.
std::string why_not_tiny(const StageView& view, const Problem& problem, const Split& data,
                         const FitOptions& options);

}  // namespace layerwise
