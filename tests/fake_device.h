#pragma once

#include <cstdint>

#include <c10/core/Device.h>

namespace layerwise::testing {

/// What the program itself has asked of the fake device so far; not what its operations do.
struct FakeDeviceUse {
  int64_t allocations = 0;  ///< tensors made there
  int64_t uploads = 0;      ///< copies from the CPU
  int64_t waits = 0;  ///< copies for which the CPU waits: those to it, `item()` among them, and
                      ///< those from it that ask for that
};

/// A device that is no CPU. @see fake_device.cpp
c10::Device fake_device();
FakeDeviceUse fake_device_use();

}  // namespace layerwise::testing
