#pragma once

#include "layerwise/train/contrastive_divergence.h"
#include "layerwise/train/fit.h"

namespace layerwise {

/// Engines for a stage that trains one `Rbm` by contrastive divergence, for
/// `FitOptions::make_engine`; the stage's objective is `rbm_objective()`, its target
/// `Target::none`.
///
/// `FitOptions::engine.kind` chooses how: `autograd` is the reference, `dense` uses the dense
/// engine's products and kernels (on the CPU, float32, `Sgd`), `automatic` takes `dense` where it
/// can. The random numbers are counted, and the same for both: see `draw_place` in rbm_step.h.
/// @throws std::invalid_argument as `check`; the engine, if the inputs are not in [0, 1], and
///   `EngineUnavailable` if it cannot train an RBM as it was asked to
EngineFactory contrastive_divergence(const ContrastiveDivergence& divergence);

}  // namespace layerwise
