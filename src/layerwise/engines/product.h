#pragma once

#include <memory>

#include <torch/types.h>

#include "layerwise/engines/processor.h"

namespace layerwise {

/// A product of two matrices on the CPU, bound to the memory that it reads and writes: c = a b.
class Product {
 public:
  virtual ~Product() = default;
  Product() = default;
  Product(const Product&) = delete;
  Product& operator=(const Product&) = delete;

  virtual void run() = 0;
};

/// @param a [m, k], rows or columns (of a transposed matrix) without gaps; float32 or bfloat16
/// @param b [k, n], the same
/// @param c [m, n], contiguous float32
/// @param multiplier what computes it. Of bfloat16 oneDNN puts out float32; LibTorch rounds what it
///   added up in float32 to bfloat16
/// @throws std::invalid_argument if this build has no oneDNN and it is asked for
std::unique_ptr<Product> make_product(const torch::Tensor& a, const torch::Tensor& b,
                                      const torch::Tensor& c, Multiplier multiplier);

/// What multiplies in a precision, where `fp32` is what multiplies float32: of bfloat16 oneDNN, if
/// this build has it.
Multiplier multiplier_of(bool bf16, Multiplier fp32);

}  // namespace layerwise
