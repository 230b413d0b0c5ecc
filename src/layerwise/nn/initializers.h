#pragma once

#include <torch/types.h>

#include "layerwise/random.h"

namespace layerwise {

/// A function that fills a weight. Values are drawn in float64 in the row order of `weight` ([out,
/// in, ...]), then rounded to its type.
using Initializer = void (*)(torch::Tensor weight, RandomState& random);

/// Fills a weight with `uniform(-l, l)`, l = sqrt(6 / fan_in), as Keras' `he_uniform`.
///
/// Values are drawn in float64 in the row order of `weight` ([out, in, ...]), then rounded to its
/// type.
/// @see He et al., "Delving Deep into Rectifiers", 2015, section 2.2
void he_uniform_(torch::Tensor weight, RandomState& random);

/// As `he_uniform_` with l = sqrt(6 / (fan_in + fan_out)), as Keras' `glorot_uniform`.
/// @see Glorot and Bengio, "Understanding the difficulty of training deep feedforward neural
/// networks", 2010, eq. 16
void glorot_uniform_(torch::Tensor weight, RandomState& random);

/// As TensorFlow 1's `variance_scaling_initializer`: a normal distribution truncated at two
/// standard deviations, stddev = sqrt(1.3 * 2 / fan_in). The factor 1.3 compensates for the
/// variance that the truncation removes.
///
/// `normal(0, 1)` is drawn until its absolute value is at most 2, then scaled.
/// @see tensorflow/contrib/layers/python/layers/initializers.py (1.15)
void variance_scaling_(torch::Tensor weight, RandomState& random);

}  // namespace layerwise
