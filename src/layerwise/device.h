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

/// How many threads compute inside one operation: ATen's, for the calling thread, and those of
/// OpenBLAS, which runs its own and would ignore ATen's setting. Thread counts change bits.
void set_math_threads(int count);

/// Flushes denormal numbers to zero in the calling thread: the momentum of dead units would
/// otherwise slow a step down 80 times.
void flush_denormals();

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
