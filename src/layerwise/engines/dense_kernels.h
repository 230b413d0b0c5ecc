#pragma once

#include <cstdint>

#include "layerwise/nn/activation_kind.h"
#include "layerwise/train/fit.h"

/// What the dense engine does between its matrix products: each function is one pass over memory.
///
/// Matrices are [rows][columns]. Where a pointer to bfloat16 (as the upper halves of floats) is not
/// null, what was computed is written there too, rounded, for the products to take.
namespace layerwise::dense_kernels {

/// Bytes become floats, divided by 255.
void gather_bytes(const uint8_t* from, int64_t columns, const int64_t* rows, int64_t count,
                  float* to, uint16_t* bf16);
void gather_floats(const float* from, int64_t columns, const int64_t* rows, int64_t count,
                   float* to, uint16_t* bf16);
void round_to_bf16(const float* from, int64_t count, uint16_t* to);

/// y = activation(y + bias).
void add_bias_and_activate(float* y, const float* bias, int64_t rows, int64_t columns,
                           Activation activation, uint16_t* bf16);

/// Turns a gradient by a layer's output into one by its sums: delta *= the activation's derivative
/// where it put out y.
/// @param bias_gradient [columns], becomes the sums over the rows
void through_activation(float* delta, const float* y, int64_t rows, int64_t columns,
                        Activation activation, float* bias_gradient, uint16_t* bf16);

/// The sum over all elements of (y - target)^2.
double squared_error(const float* y, const float* target, int64_t count);
/// The same; y becomes its gradient times `scale`, by the sums
/// before the activation.
double squared_error(float* y, const float* target, int64_t rows, int64_t columns,
                     Activation activation, float scale, float* bias_gradient, uint16_t* bf16);
/// The same of binary cross-entropy, whose y are sigmoids.
double binary_cross_entropy(float* y, const float* target, int64_t rows, int64_t columns,
                            float scale, float* bias_gradient, uint16_t* bf16);
/// The same of softmax cross-entropy, the sum over the rows.
double cross_entropy(float* y, const int64_t* labels, int64_t rows, int64_t columns,
                     Activation activation, float scale, float* bias_gradient, uint16_t* bf16);

/// One update of `count` weights by their gradient + decay w.
void update(const Sgd& sgd, float* w, const float* gradient, float* velocity, int64_t count,
            double decay, uint16_t* bf16);
/// @param step of the update, from 1
void update(const Adam& adam, int64_t step, float* w, const float* gradient, float* m, float* v,
            int64_t count, double decay, uint16_t* bf16);

}  // namespace layerwise::dense_kernels
