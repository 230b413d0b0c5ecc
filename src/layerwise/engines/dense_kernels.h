#pragma once

#include <array>
#include <cstdint>

#include "layerwise/nn/activation_kind.h"
#include "layerwise/train/fit.h"

/// The dense engine's operations between its matrix products. Each function is one pass over
/// memory.
///
/// Matrices are [rows][columns]. If a pointer to bfloat16 (the upper halves of floats) is not null,
/// the result is also written there, rounded, as a factor of the matrix products.
namespace layerwise::dense_kernels {

/// Gathers rows of bytes and converts them to floats, divided by 255.
void gather_bytes(const uint8_t* from, int64_t columns, const int64_t* rows, int64_t count,
                  float* to, uint16_t* bf16);
void gather_floats(const float* from, int64_t columns, const int64_t* rows, int64_t count,
                   float* to, uint16_t* bf16);
void round_to_bf16(const float* from, int64_t count, uint16_t* to);

/// y = activation(y + bias).
void add_bias_and_activate(float* y, const float* bias, int64_t rows, int64_t columns,
                           Activation activation, uint16_t* bf16);

/// Converts a gradient with respect to a layer's output into one with respect to its sums: delta *=
/// the derivative of the activation, computed from its output y.
/// @param bias_gradient [columns], becomes the sums over the rows
void through_activation(float* delta, const float* y, int64_t rows, int64_t columns,
                        Activation activation, float* bias_gradient, uint16_t* bf16);

/// The sum over all elements of (y - target)^2.
double squared_error(const float* y, const float* target, int64_t count);
/// The same; y becomes the gradient with respect to the sums before the activation, times `scale`.
double squared_error(float* y, const float* target, int64_t rows, int64_t columns,
                     Activation activation, float scale, float* bias_gradient, uint16_t* bf16);
/// The same for binary cross-entropy, where y are outputs of a sigmoid.
double binary_cross_entropy(float* y, const float* target, int64_t rows, int64_t columns,
                            float scale, float* bias_gradient, uint16_t* bf16);
/// The same for softmax cross-entropy, summed over the rows.
double cross_entropy(float* y, const int64_t* labels, int64_t rows, int64_t columns,
                     Activation activation, float scale, float* bias_gradient, uint16_t* bf16);

/// Identifies the uniform numbers of a matrix, as `NoisePlace` does.
struct NoiseCounter {
  std::array<uint32_t, 2> key;
  uint32_t step;
  uint32_t stage;
  const int64_t* rows;  ///< their numbers
};

/// Samples of Bernoulli variables: 1 where the uniform number of `uniform_noise` is below the mean,
/// else 0. `states` may be `means`.
void sample_bernoulli(const float* means, int64_t rows, int64_t columns, const NoiseCounter& noise,
                      float* states);

/// m *= factor; column_sums become the sums over its rows.
void scale_and_sum(float* m, int64_t rows, int64_t columns, float factor, float* column_sums);

/// One update of `count` weights with gradient + decay w.
void update(const Sgd& sgd, float* w, const float* gradient, float* velocity, int64_t count,
            double decay, uint16_t* bf16);
/// @param step number of the update, from 1
void update(const Adam& adam, int64_t step, float* w, const float* gradient, float* m, float* v,
            int64_t count, double decay, uint16_t* bf16);

}  // namespace layerwise::dense_kernels
