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
/// @param multiplier computes the product. With bfloat16 factors, oneDNN outputs float32; LibTorch
///   accumulates in float32 and rounds the result to bfloat16
/// @throws std::invalid_argument if oneDNN is requested and this build does not have it
/// @throws std::runtime_error if oneDNN reports an error
std::unique_ptr<Product> make_product(const torch::Tensor& a, const torch::Tensor& b,
                                      const torch::Tensor& c, Multiplier multiplier);

/// The multiplier for a precision: oneDNN for bfloat16, if this build has it; else `fp32`, the
/// multiplier for float32.
Multiplier multiplier_of(bool bf16, Multiplier fp32);

}  // namespace layerwise
