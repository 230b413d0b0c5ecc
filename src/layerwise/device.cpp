#include "layerwise/device.h"

#include <dlfcn.h>

#include <cstdio>
#include <fstream>
#include <limits>
#include <optional>
#include <regex>

#include <ATen/Context.h>
#include <ATen/Functions.h>
#include <ATen/Parallel.h>
#include <ATen/Version.h>
#include <c10/util/Exception.h>
#include <fmt/format.h>
#include <torch/cuda.h>
#include <torch/version.h>

#ifdef __GLIBC__
#include <malloc.h>
#endif
#ifdef LAYERWISE_CUDA
#include <cuda_runtime_api.h>

#include <ATen/cuda/CUDAContext.h>
#include <ATen/detail/CUDAHooksInterface.h>
#include <c10/cuda/CUDACachingAllocator.h>
#include <c10/cuda/CUDAGuard.h>
#endif

namespace layerwise {

namespace {

template <typename Function>
Function loaded_function(const char* name) {
  return reinterpret_cast<Function>(dlsym(RTLD_DEFAULT, name));
}

/// The text after `key` in LibTorch's description of its build, up to a comma or the end of the
/// line.
std::string from_config(const std::string& key) {
  const auto config = at::show_config();
  const auto begin = config.find(key);
  if (begin == std::string::npos) return "unknown";
  const auto end = config.find_first_of(",\n", begin);
  return config.substr(begin + key.size(), end - begin - key.size());
}

std::string blas_in_use() {
  if (const auto config = loaded_function<const char* (*)()>("openblas_get_config"))
    return config();
  if (at::hasMKL()) return "MKL";
  return from_config("BLAS_INFO=");
}

/// Makes MKL choose the kernels of its vector math. MKL does so at the first call, without a lock:
/// a thread that makes a call at the same time may compute with another kernel and get other bits.
/// So a single thread makes the first call, and the others wait for it. See
/// tests/vector_math_test.cpp.
void settle_vector_math() {
  static const at::Tensor root = at::ones({1}).sqrt();
}

#ifdef LAYERWISE_CUDA
constexpr bool built_for_cuda = true;
#else
constexpr bool built_for_cuda = false;
#endif
constexpr auto other_device = "use --device cpu, or --device auto to take what there is";

/// `13.0` for 13000, as CUDA counts versions.
[[maybe_unused]] std::string cuda_version(int number) {
  return fmt::format("{}.{}", number / 1000, number % 1000 / 10);
}

/// Why LibTorch for CUDA has no CUDA device here.
std::string why_no_cuda() {
#ifdef LAYERWISE_CUDA
  int driver = 0;
  int runtime = 0;
  cudaDriverGetVersion(&driver);
  cudaRuntimeGetVersion(&runtime);
  if (driver > 0 && driver / 1000 < runtime / 1000) {
    return fmt::format("the driver is for CUDA {} at most, this LibTorch for CUDA {}",
                       cuda_version(driver), cuda_version(runtime));
  }
#endif
  return "LibTorch finds no CUDA device on this machine";
}

c10::Device find_cuda(int index) {
  if (!torch::cuda::is_available()) {
    throw DeviceUnavailable(
        about_cuda(),
        built_for_cuda ? "see what nvidia-smi says, and update the driver or take a LibTorch for "
                         "its CUDA; or use --device cpu"
                       : "build with a LibTorch for CUDA (pip install torch, then --torch pip), or "
                         "use --device cpu");
  }
  const auto count = static_cast<int>(torch::cuda::device_count());
  if (index >= count) {
    throw DeviceUnavailable(
        fmt::format("cuda:{} does not exist, this machine has {} CUDA device(s)", index, count),
        other_device);
  }
  return {c10::kCUDA, static_cast<c10::DeviceIndex>(index)};
}

std::string name_of_card([[maybe_unused]] c10::DeviceIndex index) {
#ifdef LAYERWISE_CUDA
  return at::cuda::getDeviceProperties(index)->name;
#else
  return "a CUDA device";
#endif
}

std::string cuda_in_use() {
  if (!torch::cuda::is_available()) return "none: " + about_cuda();
  const auto count = static_cast<c10::DeviceIndex>(torch::cuda::device_count());
  std::string text = name_of_card(0);
  for (c10::DeviceIndex i = 1; i < count; ++i) text += ", " + name_of_card(i);
#ifdef LAYERWISE_CUDA
  int driver = 0;
  int runtime = 0;
  cudaDriverGetVersion(&driver);
  cudaRuntimeGetVersion(&runtime);
  std::ifstream file("/proc/driver/nvidia/version");
  std::string line;
  std::getline(file, line);
  const auto version = nvidia_driver_in(line);
  text += fmt::format("; CUDA {}, driver {}{}for {}", cuda_version(runtime), version,
                      version.empty() ? "" : " ", cuda_version(driver));
  const auto& hooks = at::detail::getCUDAHooks();
  if (hooks.hasCuDNN()) text += fmt::format("; cuDNN {}", hooks.versionCuDNN());
#endif
  return text;
}

/// Nothing if LibTorch knows no such device. It keeps eight bits of a number: of cuda:256, cuda:0.
std::optional<c10::Device> parsed(const std::string& name) {
  try {
    const c10::Device device(name);
    return device.str() == name ? std::optional(device) : std::nullopt;
  } catch (const c10::Error&) {
    return std::nullopt;
  }
}

void try_out(const c10::Device& device) {
  try {
    at::ones({1}, at::TensorOptions().device(device)).item();
  } catch (const c10::Error&) {
    throw DeviceUnavailable(fmt::format("this LibTorch cannot compute on '{}'", device.str()),
                            other_device);
  }
}

}  // namespace

c10::Device find_device(const std::string& name) {
  if (name == "auto") return torch::cuda::is_available() ? find_cuda(0) : c10::Device(c10::kCPU);
  const auto device = parsed(name);
  if (!device || (device->is_cpu() && device->has_index())) {
    throw std::invalid_argument(
        fmt::format("device '{}' is none of auto, cpu, cuda, cuda:N", name));
  }
  if (device->is_cuda()) return find_cuda(device->has_index() ? device->index() : 0);
  if (!device->is_cpu()) try_out(*device);
  return *device;
}

std::string nvidia_driver_in(const std::string& text) {
  static const std::regex version("[0-9]+\\.[0-9]+(\\.[0-9]+)*");
  std::smatch found;
  const auto begin = text.find("NVRM version:");
  const bool here = begin != std::string::npos &&
                    std::regex_search(text.begin() + static_cast<std::ptrdiff_t>(begin), text.end(),
                                      found, version);
  return here ? found.str() : "";
}

int64_t free_bytes(c10::Device device) {
  if (device.is_cpu()) {
    std::ifstream file("/proc/meminfo");
    for (std::string line; std::getline(file, line);) {
      int64_t kilobytes = 0;
      if (std::sscanf(line.c_str(), "MemAvailable: %ld", &kilobytes) == 1) return kilobytes * 1024;
    }
  }
#ifdef LAYERWISE_CUDA
  if (device.is_cuda()) {
    const c10::cuda::CUDAGuard guard(device);
    size_t free = 0;
    size_t total = 0;
    if (cudaMemGetInfo(&free, &total) == cudaSuccess) {
      const auto held = c10::cuda::CUDACachingAllocator::getDeviceStats(device.index());
      const auto unused = held.reserved_bytes[0].current - held.allocated_bytes[0].current;
      return static_cast<int64_t>(free) + unused;
    }
  }
#endif
  return std::numeric_limits<int64_t>::max();
}

void set_math_threads(int count) {
  at::set_num_threads(count);
  if (const auto set = loaded_function<void (*)(int)>("openblas_set_num_threads")) set(count);
}

void keep_freed_memory() {
#ifdef __GLIBC__
  constexpr int mebibyte = 1 << 20;
  // From this size on, a block is given back when it is freed; 32 MB is the most that glibc takes.
  ::mallopt(M_MMAP_THRESHOLD, 32 * mebibyte);
  ::mallopt(M_TRIM_THRESHOLD, 512 * mebibyte);
#endif
}

void prepare_thread(int math_threads) {
  at::set_num_threads(math_threads);
  settle_vector_math();
  at::globalContext().setFlushDenormal(true);
}

std::string about_cuda() {
  if (!built_for_cuda) return "this LibTorch is built for the CPU alone";
  if (!torch::cuda::is_available()) return why_no_cuda();
  return name_of_card(0);
}

std::string openblas_kernels() {
  const auto name = loaded_function<const char* (*)()>("openblas_get_corename");
  return name == nullptr ? "" : name();
}

BuildInfo build_info() {
  return {LAYERWISE_VERSION, TORCH_VERSION, blas_in_use(), from_config("CPU capability usage: "),
          cuda_in_use()};
}

}  // namespace layerwise
