#include "layerwise/engines/product.h"

#include <stdexcept>
#include <string>

#include <ATen/ops/mm.h>
#include <fmt/format.h>
#include <torch/utils.h>

#ifdef LAYERWISE_ONEDNN
#include <oneapi/dnnl/dnnl.hpp>
#endif

namespace layerwise {

namespace {

/// A product by LibTorch, which calls its BLAS.
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

/// A product of bfloat16 matrices by LibTorch, which uses the processor's instructions for it. It
/// accumulates in float32 and rounds the result to bfloat16.
class RoundedProduct : public Product {
 public:
  RoundedProduct(const torch::Tensor& a, const torch::Tensor& b, const torch::Tensor& c)
      : a_(a), b_(b), c_(c), rounded_(torch::empty_like(c, torch::kBFloat16)) {}

  void run() override {
    at::mm_out(rounded_, a_, b_);
    c_.copy_(rounded_);
  }

 private:
  torch::Tensor a_;
  torch::Tensor b_;
  torch::Tensor c_;
  torch::Tensor rounded_;
};

#ifdef LAYERWISE_ONEDNN
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

dnnl::matmul::primitive_desc primitive(const dnnl::memory& a, const dnnl::memory& b,
                                       const dnnl::memory& c) {
#if DNNL_VERSION_MAJOR >= 3
  return {cpu(), a.get_desc(), b.get_desc(), c.get_desc()};
#else
  return {dnnl::matmul::desc(a.get_desc(), b.get_desc(), c.get_desc()), cpu()};
#endif
}

class OnednnProduct : public Product {
 public:
  OnednnProduct(const torch::Tensor& a, const torch::Tensor& b, const torch::Tensor& c)
      : tensors_{a, b, c},
        a_(description_of(a), cpu(), a.data_ptr()),
        b_(description_of(b), cpu(), b.data_ptr()),
        c_(description_of(c), cpu(), c.data_ptr()),
        product_(primitive(a_, b_, c_)),
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

#endif

template <typename Kind>
std::unique_ptr<Product> make(const torch::Tensor& a, const torch::Tensor& b,
                              const torch::Tensor& c) {
  return std::make_unique<Kind>(a, b, c);
}

}  // namespace

std::unique_ptr<Product> make_product(const torch::Tensor& a, const torch::Tensor& b,
                                      const torch::Tensor& c, Multiplier multiplier) {
  const bool bf16 = a.scalar_type() == torch::kBFloat16;
  if (multiplier == Multiplier::blas)
    return bf16 ? make<RoundedProduct>(a, b, c) : make<BlasProduct>(a, b, c);
#ifdef LAYERWISE_ONEDNN
  try {
    return make<OnednnProduct>(a, b, c);
  } catch (const dnnl::error& error) {
    throw std::runtime_error(std::string("oneDNN: ") + error.what());
  }
#else
  throw std::invalid_argument("this build has no oneDNN to multiply with");
#endif
}

std::string onednn_version() {
#ifdef LAYERWISE_ONEDNN
  const auto* version = dnnl::version();
  return fmt::format("{}.{}.{}", version->major, version->minor, version->patch);
#else
  return {};
#endif
}

Multiplier multiplier_of(bool bf16, Multiplier fp32) {
  return bf16 && has_onednn() ? Multiplier::onednn : fp32;
}

}  // namespace layerwise
