#pragma once

#include <torch/types.h>

#include "layerwise/random.h"

namespace layerwise {

/// Fills a weight with `uniform(-l, l)`, l = sqrt(6 / fan_in), as Keras' `he_uniform`.
///
/// Drawn in float64 in the row order of `weight` ([out, in, ...]), then rounded to its type.
/// @see He et al., "Delving Deep into Rectifiers", 2015, section 2.2
void he_uniform_(torch::Tensor weight, RandomState& random);

/// As `he_uniform_` with l = sqrt(6 / (fan_in + fan_out)), as Keras' `glorot_uniform`.
/// @see Glorot and Bengio, "Understanding the difficulty of training deep feedforward neural
/// networks", 2010, eq. 16
void glorot_uniform_(torch::Tensor weight, RandomState& random);

}  // namespace layerwise
