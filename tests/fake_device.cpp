/// A device that is no CPU, for machines without a GPU: LibTorch's XPU key, which builds for the
/// CPU leave empty, with memory of its own kind. Its tensors refuse to meet tensors of the CPU, as
/// those on CUDA do. Operations run on the CPU, by LibTorch's fallback, on copies.
///
/// A shared library: a test links with it, a program loads it by LD_PRELOAD. With
/// LAYERWISE_FAKE_DEVICE_ALLOCATIONS=N in the environment, its memory runs out after N allocations.
#include "fake_device.h"

#include <array>
#include <atomic>
#include <cstdlib>
#include <cstring>
#include <tuple>

#include <ATen/EmptyTensor.h>
#include <ATen/Functions.h>
#include <ATen/native/CPUFallback.h>
#include <ATen/ops/as_strided_native.h>
#include <ATen/ops/view_native.h>
#include <c10/core/impl/DeviceGuardImplInterface.h>
#include <torch/library.h>
#include <torch/version.h>

#if TORCH_VERSION_MAJOR >= 2
#include <ATen/CPUGeneratorImpl.h>
#include <ATen/detail/XPUHooksInterface.h>
#endif

#if TORCH_VERSION_MAJOR >= 2
namespace at {
namespace {

/// What LibTorch 2 asks of a device before it computes gradients there. It looks for this name.
struct XPUHooks final : XPUHooksInterface {
  XPUHooks() = default;
  explicit XPUHooks(XPUHooksArgs) {}
  void init() const override {}
  // LibTorch refuses a program two kinds of accelerators.
  bool hasXPU() const override { return !globalContext().hasCUDA(); }
  std::string showConfig() const override { return {}; }
  const Generator& getDefaultGenerator(DeviceIndex) const override {
    static const auto generator = detail::createCPUGenerator();
    return generator;
  }
  bool isBuilt() const override { return hasXPU(); }
  bool isAvailable() const override { return hasXPU(); }
  bool hasPrimaryContext(DeviceIndex) const override { return true; }
  DeviceIndex getNumGPUs() const override { return 1; }
  DeviceIndex deviceCount() const override { return 1; }
  DeviceIndex current_device() const override { return 0; }
  DeviceIndex getCurrentDevice() const override { return 0; }
};
REGISTER_XPU_HOOKS(XPUHooks);

}  // namespace
}  // namespace at
#endif

namespace {

using c10::DeviceType;

layerwise::testing::FakeDeviceUse use;
thread_local int operations =
    0;  ///< nested ones of LibTorch's fallback, whose own work is not counted

void count(int64_t& counter) {
  if (operations == 0) ++counter;
}

void release(void* memory) {
  std::free(memory);
}

struct Allocator final : c10::Allocator {
#if TORCH_VERSION_MAJOR >= 2
  c10::DataPtr allocate(size_t bytes) override {
    return allocated(bytes);
  }
  void copy_data(void* to, const void* from, size_t bytes) const override {
    default_copy_data(to, from, bytes);
  }
#else
  c10::DataPtr allocate(size_t bytes) const override {
    return allocated(bytes);
  }
#endif
  c10::DeleterFnPtr raw_deleter() const override {
    return release;
  }

 private:
  static c10::DataPtr allocated(size_t bytes) {
    static const char* most = std::getenv("LAYERWISE_FAKE_DEVICE_ALLOCATIONS");
    static std::atomic<int64_t> left = most == nullptr ? INT64_MAX : std::atoll(most);
    if (--left < 0)
      TORCH_CHECK_WITH(OutOfMemoryError, false, "XPU out of memory. Tried to allocate ", bytes,
                       " bytes");
    auto* memory = std::malloc(bytes == 0 ? 1 : bytes);
    return {memory, memory, release, c10::Device(DeviceType::XPU, 0)};
  }
};
Allocator allocator;
REGISTER_ALLOCATOR(c10::DeviceType::XPU, &allocator)

struct Guard final : c10::impl::DeviceGuardImplInterface {
  DeviceType type() const override { return DeviceType::XPU; }
  c10::Device exchangeDevice(c10::Device) const override { return getDevice(); }
  c10::Device getDevice() const override { return {DeviceType::XPU, 0}; }
  void setDevice(c10::Device) const override {}
  void uncheckedSetDevice(c10::Device) const noexcept override {}
  c10::Stream getStream(c10::Device device) const noexcept override {
    return c10::Stream(c10::Stream::DEFAULT, device);
  }
  c10::Stream exchangeStream(c10::Stream stream) const noexcept override { return stream; }
  c10::DeviceIndex deviceCount() const noexcept override { return 1; }
  void record(void**, const c10::Stream&, const c10::DeviceIndex,
              const c10::EventFlag) const override {}
  void block(void*, const c10::Stream&) const override {}
  bool queryEvent(void*) const override { return true; }
  void destroyEvent(void*, const c10::DeviceIndex) const noexcept override {}
};
C10_REGISTER_GUARD_IMPL(XPU, Guard);

constexpr c10::DispatchKeySet keys(c10::DispatchKey::XPU);

at::Tensor empty(at::IntArrayRef sizes, c10::optional<at::ScalarType> type,
                 c10::optional<at::Layout>, c10::optional<at::Device>, c10::optional<bool>,
                 c10::optional<at::MemoryFormat> format) {
  count(use.allocations);
  return at::detail::empty_generic(sizes, &allocator, keys, c10::dtype_or_default(type), format);
}

at::Tensor empty_strided(at::IntArrayRef sizes, at::IntArrayRef strides,
                         c10::optional<at::ScalarType> type, c10::optional<at::Layout>,
                         c10::optional<at::Device>, c10::optional<bool>) {
  count(use.allocations);
  return at::detail::empty_strided_generic(sizes, strides, &allocator, keys,
                                           c10::dtype_or_default(type));
}

/// The same memory as a tensor of the CPU.
at::Tensor on_cpu(const at::Tensor& tensor) {
  if (tensor.device().is_cpu()) return tensor;
  return at::from_blob(tensor.data_ptr(), tensor.sizes(), tensor.strides(),
                       at::TensorOptions().dtype(tensor.scalar_type()));
}

at::Tensor copy_from(const at::Tensor& from, const at::Tensor& to, bool non_blocking) {
  if (from.device().is_cpu()) count(use.uploads);
  if (to.device().is_cpu() || (from.device().is_cpu() && !non_blocking)) count(use.waits);
  on_cpu(to).copy_(on_cpu(from));
  return to;
}

/// LibTorch 2 would look for its own kernels for XPU.
at::Tensor& copy(at::Tensor& to, const at::Tensor& from, bool non_blocking) {
  copy_from(from, to, non_blocking);
  return to;
}

at::Tensor copy_from_and_resize(const at::Tensor& from, const at::Tensor& to) {
  to.resize_(from.sizes());
  return copy_from(from, to, false);
}

at::Tensor as_strided(const at::Tensor& tensor, at::IntArrayRef sizes, at::IntArrayRef strides,
                      c10::optional<int64_t> offset) {
  return at::native::as_strided_tensorimpl(tensor, sizes, strides, offset);
}

at::Tensor reshape_alias(const at::Tensor& tensor, at::IntArrayRef sizes, at::IntArrayRef strides) {
  return at::native::as_strided_tensorimpl(tensor, sizes, strides, c10::nullopt);
}

at::Tensor view(const at::Tensor& tensor, at::IntArrayRef sizes) {
  return at::native::view(tensor, sizes);
}

at::Scalar local_scalar(const at::Tensor& tensor) {
  count(use.waits);
  return on_cpu(tensor).item();
}

const at::Tensor& resize(const at::Tensor& tensor, at::IntArrayRef sizes,
                         c10::optional<at::MemoryFormat>) {
  auto* implementation = tensor.unsafeGetTensorImpl();
  const auto elements = static_cast<size_t>(c10::multiply_integers(sizes));
  const auto bytes =
      (elements + static_cast<size_t>(implementation->storage_offset())) * tensor.element_size();
  const auto& storage = implementation->storage();
  if (bytes > storage.nbytes()) {
    auto memory = allocator.allocate(bytes);
    std::memcpy(memory.get(), storage.data(), storage.nbytes());
    storage.set_data_ptr(std::move(memory));
    storage.set_nbytes(bytes);
  }
  implementation->set_sizes_contiguous(sizes);
  return tensor;
}

/// While it lives, nothing is counted.
struct Operation {
  Operation() { ++operations; }
  ~Operation() { --operations; }
  Operation(const Operation&) = delete;
  Operation& operator=(const Operation&) = delete;
};

at::Tensor on_fake_device(const at::Tensor& tensor) {
  if (!tensor.defined()) return tensor;
  auto there = empty_strided(tensor.sizes(), tensor.strides(), tensor.scalar_type(), {}, {}, {});
  return copy_from(tensor, there, false);
}

/// For a device of its own kind, LibTorch has no convolution to fall back on.
at::Tensor convolution(const at::Tensor& input, const at::Tensor& weight,
                       const c10::optional<at::Tensor>& bias, at::IntArrayRef stride,
                       at::IntArrayRef padding, at::IntArrayRef dilation, bool transposed,
                       at::IntArrayRef output_padding, int64_t groups) {
  const Operation nested;
  const bool biased = bias.has_value() && bias->defined();
  return on_fake_device(at::convolution(on_cpu(input), on_cpu(weight),
                                        biased ? on_cpu(*bias) : at::Tensor(), stride, padding,
                                        dilation, transposed, output_padding, groups));
}

std::tuple<at::Tensor, at::Tensor, at::Tensor> convolution_backward(
    const at::Tensor& gradient, const at::Tensor& input, const at::Tensor& weight,
    at::IntArrayRef stride, at::IntArrayRef padding, at::IntArrayRef dilation, bool transposed,
    at::IntArrayRef output_padding, int64_t groups, std::array<bool, 3> wanted) {
  const Operation nested;
  const auto [of_input, of_weight, of_bias] = at::convolution_backward(
      on_cpu(gradient), on_cpu(input), on_cpu(weight), weight.sizes().slice(0, 1), stride, padding,
      dilation, transposed, output_padding, groups, wanted);
  return {on_fake_device(of_input), on_fake_device(of_weight), on_fake_device(of_bias)};
}

/// LibTorch's fallback does not know that this changes the running values.
std::tuple<at::Tensor, at::Tensor, at::Tensor> batch_norm(
    const at::Tensor& input, const c10::optional<at::Tensor>& weight,
    const c10::optional<at::Tensor>& bias, const c10::optional<at::Tensor>& running_mean,
    const c10::optional<at::Tensor>& running_variance, bool training, double momentum,
    double epsilon) {
  const Operation nested;
  const auto there = [](const c10::optional<at::Tensor>& tensor) {
    return tensor.has_value() && tensor->defined() ? on_cpu(*tensor) : at::Tensor();
  };
  const auto [output, mean, deviation] =
      at::native_batch_norm(on_cpu(input), there(weight), there(bias), there(running_mean),
                            there(running_variance), training, momentum, epsilon);
  return {on_fake_device(output), on_fake_device(mean), on_fake_device(deviation)};
}

void fall_back(const c10::OperatorHandle& operation, torch::jit::Stack* stack) {
  const Operation nested;
  at::native::cpu_fallback(operation, stack);
}

TORCH_LIBRARY_IMPL(_, XPU, library) {
  library.fallback(torch::CppFunction::makeFromBoxedFunction<&fall_back>());
}

TORCH_LIBRARY_IMPL(aten, XPU, library) {
  library.impl("empty.memory_format", &empty);
  library.impl("empty_strided", &empty_strided);
  library.impl("copy_", &copy);
  library.impl("_copy_from", &copy_from);
  library.impl("_copy_from_and_resize", &copy_from_and_resize);
  library.impl("as_strided", &as_strided);
  library.impl("_reshape_alias", &reshape_alias);
  library.impl("view", &view);
  library.impl("_local_scalar_dense", &local_scalar);
  library.impl("resize_", &resize);
  library.impl("native_batch_norm", &batch_norm);
  library.impl("convolution_overrideable", &convolution);
  library.impl("convolution_backward_overrideable", &convolution_backward);
}

}  // namespace

namespace layerwise::testing {

c10::Device fake_device() {
  return {DeviceType::XPU, 0};
}

FakeDeviceUse fake_device_use() {
  return use;
}

}  // namespace layerwise::testing
