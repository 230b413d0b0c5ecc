#include "layerwise/train/product.h"

#include <oneapi/dnnl/dnnl.hpp>
#include <stdexcept>

#include <ATen/ops/mm.h>
#include <torch/utils.h>

namespace layerwise {

namespace {

/// LibTorch's, which calls its BLAS.
class BlasProduct : public Product {
 public:
  BlasProduct(const torch::Tensor& a, const torch::Tensor& b, const torch::Tensor& c)
      : a_(a), b_(b), c_(c) {}

  void run() override { at::mm_out(c_, a_, b_); }

 private:
  torch::Tensor a_;
  torch::Tensor b_;
  torch::Tensor c_;
};

const dnnl::engine& cpu() {
  static const dnnl::engine engine(dnnl::engine::kind::cpu, 0);
  return engine;
}

dnnl::memory::desc description_of(const torch::Tensor& matrix) {
  const bool bf16 = matrix.scalar_type() == torch::kBFloat16;
  return {{matrix.size(0), matrix.size(1)},
          bf16 ? dnnl::memory::data_type::bf16 : dnnl::memory::data_type::f32,
          dnnl::memory::dims{matrix.stride(0), matrix.stride(1)}};
}

class OnednnProduct : public Product {
 public:
  OnednnProduct(const torch::Tensor& a, const torch::Tensor& b, const torch::Tensor& c)
      : tensors_{a, b, c},
        a_(description_of(a), cpu(), a.data_ptr()),
        b_(description_of(b), cpu(), b.data_ptr()),
        c_(description_of(c), cpu(), c.data_ptr()),
        product_(dnnl::matmul::primitive_desc(
            dnnl::matmul::desc(a_.get_desc(), b_.get_desc(), c_.get_desc()), cpu())),
        stream_(cpu()) {}

  void run() override {
    product_.execute(stream_, {{DNNL_ARG_SRC, a_}, {DNNL_ARG_WEIGHTS, b_}, {DNNL_ARG_DST, c_}});
    stream_.wait();
  }

 private:
  torch::Tensor tensors_[3];
  dnnl::memory a_;
  dnnl::memory b_;
  dnnl::memory c_;
  dnnl::matmul product_;
  dnnl::stream stream_;
};

}  // namespace

std::unique_ptr<Product> make_product(const torch::Tensor& a, const torch::Tensor& b,
                                      const torch::Tensor& c, Multiplier multiplier) {
  const bool bf16 = a.scalar_type() == torch::kBFloat16;
  if (!bf16 && multiplier == Multiplier::blas) return std::make_unique<BlasProduct>(a, b, c);
  try {
    return std::make_unique<OnednnProduct>(a, b, c);
  } catch (const dnnl::error& error) {
    throw std::runtime_error(std::string("oneDNN: ") + error.what());
  }
}

}  // namespace layerwise
