#pragma once

#include <cstdint>
#include <stdexcept>
#include <string>
#include <utility>

#include <c10/core/Device.h>

namespace layerwise {

/// The requested device is not available.
class DeviceUnavailable : public std::runtime_error {
 public:
  /// @param hint what to do about it
  DeviceUnavailable(const std::string& what, std::string hint)
      : std::runtime_error(what), hint_(std::move(hint)) {}
  const std::string& hint() const { return hint_; }

 private:
  std::string hint_;
};

/// The device with this name: `auto` (the first CUDA device, else the CPU), `cpu`, `cuda` or
/// `cuda:N`; or LibTorch's name of another kind of device, which is tried out by computing there.
/// @throws std::invalid_argument if the name is none of these
/// @throws DeviceUnavailable if LibTorch finds no such device
c10::Device find_device(const std::string& name);

/// The name of the first CUDA device, or the reason why there is none: the reason for the choice of
/// `auto`.
std::string about_cuda();

/// The version of NVIDIA's driver in the text of /proc/driver/nvidia/version, such as 550.54.15;
/// empty if there is none.
std::string nvidia_driver_in(const std::string& text);

/// How many bytes can still be allocated in the memory of a device: on CUDA, those of the driver
/// and those that LibTorch holds unused; the largest number, where it is not known.
int64_t free_bytes(c10::Device device);

/// Sets the number of threads inside one operation, for the whole program. Call it before other
/// threads start.
///
/// Sets ATen's count for the calling thread, and OpenBLAS's count, because OpenBLAS runs its own
/// threads and ignores ATen's setting. Another count may change the bits of results.
void set_math_threads(int count);

/// Lets the whole program keep up to 512 MB of the CPU's memory that it frees, for the next step of
/// a training, instead of giving it back to the system, which has to clear it before it hands it
/// out again. That takes a quarter of the time of a convolution's step (tests/benchmarks). Call it
/// before other threads start. `study::run_study` does.
///
/// Sets options of glibc's allocator (mallopt), and does nothing with other C libraries.
void keep_freed_memory();

/// Prepares a thread that runs fits. Call it first in the thread.
///
/// Sets ATen's thread count, which is per thread, and flushes denormal numbers to zero: computing
/// with the denormal momentum of dead units would be very slow. If LibTorch uses MKL, it also
/// ensures that no two threads make MKL's first call at the same time, because one of them could
/// get different bits.
void prepare_thread(int math_threads);

/// The processor whose kernels OpenBLAS uses, e.g. "Haswell"; empty with another BLAS.
std::string openblas_kernels();

/// The software that the results of a run depend on.
struct BuildInfo {
  std::string layerwise;       ///< this library's version
  std::string libtorch;        ///< e.g. 2.13.0
  std::string blas;            ///< the library that multiplies matrices on the CPU
  std::string cpu_capability;  ///< the instruction set that LibTorch uses, e.g. AVX2
  std::string cuda;  ///< the devices, driver, CUDA and cuDNN; or the reason why there is none
};
BuildInfo build_info();

}  // namespace layerwise
