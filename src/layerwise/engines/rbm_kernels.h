#pragma once

#include <cstdint>

#include "layerwise/train/optimizer.h"

/// The products of contrastive divergence on small batches, for which a BLAS mostly moves the
/// weights: it packs them for each product, and writes the gradient to memory before the optimizer
/// reads it. Here weights are read where they are, and each part of the gradient is used while it
/// is in registers.
///
/// Matrices are [rows][columns]. Functions with `begin` and `end` compute a part of the result,
/// whose bits do not depend on how it is divided.
namespace layerwise::rbm_kernels {

/// Up to this many rows they are faster than the BLAS (measured on AVX2 and OpenBLAS 0.3.21).
constexpr int64_t most_rows = 32;

struct Shape {
  int64_t hidden;
  int64_t visible;
};

/// sums = v w^T, for the hidden units begin, ..., end - 1.
/// @param v [rows][visible]
/// @param w [hidden][visible]
/// @param sums [rows][hidden]
void up(const float* v, const float* w, int64_t rows, Shape shape, int64_t begin, int64_t end,
        float* sums);
/// sums = h w, for the visible units begin, ..., end - 1.
/// @param h [rows][hidden]
/// @param sums [rows][visible]
void down(const float* h, const float* w, int64_t rows, Shape shape, int64_t begin, int64_t end,
          float* sums);
/// One update of w with the gradient h^T v + decay w, for the hidden units begin, ..., end - 1.
/// @param velocity null without momentum, which saves half of the memory that is moved
void update(const Sgd& sgd, double decay, const float* h, const float* v, int64_t rows, Shape shape,
            int64_t begin, int64_t end, float* w, float* velocity);

}  // namespace layerwise::rbm_kernels
