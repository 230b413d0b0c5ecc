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

/// As `he_uniform_` with l = 1 / sqrt(fan_in): the usual choice before `glorot_uniform_`, with
/// which a deep sigmoid network does not start to learn.
/// @see Glorot and Bengio 2010, eq. 1; Erhan et al., "The Difficulty of Training Deep Architectures
///   and the Effect of Unsupervised Pre-Training", 2009, section 4
void fan_in_uniform_(torch::Tensor weight, RandomState& random);

/// As `he_uniform_` with l = 4 sqrt(6 / (fan_in + fan_out)), for sigmoid units.
/// @see Glorot and Bengio 2010; LISA lab, "Deep Learning Tutorials", section 4.2
void sigmoid_uniform_(torch::Tensor weight, RandomState& random);

/// `normal(0, 0.1)`, as the code of Hinton and Salakhutdinov 2006 draws the weights of an RBM.
void small_normal_(torch::Tensor weight, RandomState& random);

/// Sparse initialization: each unit has 15 inputs (all, if there are fewer) with a weight from
/// `normal(0, 1)`; the others are 0. For each unit, the inputs are the first of a Fisher-Yates
/// shuffle (`independent_batches`), and the weights are drawn after them, in that order.
/// @see Martens, "Deep learning via Hessian-free optimization", 2010, section 5; Sutskever et al.,
///   "On the importance of initialization and momentum in deep learning", 2013, section 3.1
void sparse_normal_(torch::Tensor weight, RandomState& random);

}  // namespace layerwise
