#include "layerwise/engines/precision.h"

#include <ATen/autocast_mode.h>
#include <fmt/format.h>
#include <torch/version.h>

#ifdef LAYERWISE_CUDA
#include <ATen/Context.h>
#include <ATen/cuda/CUDAContext.h>
#endif

#include "layerwise/engines/processor.h"

namespace layerwise {

namespace {

void cast(torch::DeviceType device, bool on) {
#if TORCH_VERSION_MAJOR >= 2 && TORCH_VERSION_MINOR >= 4
  at::autocast::set_autocast_enabled(device, on);
  if (on) at::autocast::set_autocast_dtype(device, torch::kBFloat16);
#else
  const bool on_cuda = device == torch::kCUDA;
  on_cuda ? at::autocast::set_enabled(on) : at::autocast::set_cpu_enabled(on);
  if (on) {
    on_cuda ? at::autocast::set_autocast_gpu_dtype(torch::kBFloat16)
            : at::autocast::set_autocast_cpu_dtype(torch::kBFloat16);
  }
#endif
}

}  // namespace

std::string why_not_in(Precision precision, torch::Device device) {
  if (precision == Precision::fp32) return {};
  if (device.is_cpu()) {
    if (precision == Precision::tf32) return "the CPU does not multiply in tf32";
    return has_bf16() ? std::string()
                      : "this processor has neither AVX512_BF16 nor AMX to multiply bf16 with";
  }
  if (!device.is_cuda()) return "only the CPU and CUDA multiply in bf16";
#ifdef LAYERWISE_CUDA
  constexpr int ampere = 8;
  const auto* properties = at::cuda::getDeviceProperties(device.index());
  if (properties->major < ampere)
    return fmt::format("{} multiplies neither tf32 nor bf16", properties->name);
#endif
  return {};
}

void settle_precision([[maybe_unused]] Precision precision, [[maybe_unused]] torch::Device device) {
#ifdef LAYERWISE_CUDA
  if (!device.is_cuda()) return;
  const bool rounded = precision == Precision::tf32;
  at::globalContext().setDeterministicCuDNN(true);
  at::globalContext().setAllowTF32CuDNN(rounded);
  at::globalContext().setAllowTF32CuBLAS(rounded);
#endif
}

Autocast::Autocast(Precision precision, torch::Device device)
    : on_(precision == Precision::bf16), device_(device.type()) {
  if (!on_) return;
  // Rounded weights must not be kept, because a step changes the weights.
  at::autocast::set_autocast_cache_enabled(false);
  cast(device_, true);
}

Autocast::~Autocast() {
  if (!on_) return;
  cast(device_, false);
  at::autocast::set_autocast_cache_enabled(true);
}

}  // namespace layerwise
