#pragma once

#include <stdexcept>
#include <string>

#include <c10/core/Device.h>

namespace layerwise {

/// The device asked for is not on this machine.
struct DeviceUnavailable : std::runtime_error {
  using std::runtime_error::runtime_error;
};

/// The device of `auto` (the first CUDA device, else the CPU), `cpu`, `cuda` or `cuda:N`.
/// @throws std::invalid_argument if the name is none of these
/// @throws DeviceUnavailable if LibTorch sees no such CUDA device
c10::Device find_device(const std::string& name);

/// How many threads compute inside one operation, for the whole program; call it before others
/// start.
///
/// Sets ATen's count for the calling thread, and OpenBLAS', which runs threads of its own and would
/// ignore ATen's setting. Another count may change bits.
void set_math_threads(int count);

/// What a thread that fits does first: takes ATen's thread count, which is per thread, and flushes
/// denormal numbers to zero, because the momentum of dead units would become very slow otherwise.
/// Where LibTorch computes with MKL, it also sees to it that no two threads make MKL's first call
/// at once, which would give one of them other bits.
void prepare_thread(int math_threads);

/// The software that the numbers of a run depend on.
struct BuildInfo {
  std::string layerwise;       ///< this library's version
  std::string libtorch;        ///< as 2.13.0
  std::string blas;            ///< what multiplies matrices on the CPU
  std::string cpu_capability;  ///< the instruction set that LibTorch chose, as AVX2
  std::string cuda;            ///< the CUDA devices, or that there is none
};
BuildInfo build_info();

}  // namespace layerwise
