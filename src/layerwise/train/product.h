#pragma once

#include <memory>

#include <torch/types.h>

#include "layerwise/train/processor.h"

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
/// @param multiplier for float32; bfloat16 always takes oneDNN, which adds up in float32
std::unique_ptr<Product> make_product(const torch::Tensor& a, const torch::Tensor& b,
                                      const torch::Tensor& c, Multiplier multiplier);

}  // namespace layerwise
