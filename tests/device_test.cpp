#include "layerwise/device.h"

#include <stdexcept>

#include <torch/cuda.h>

#include "testing.h"

namespace layerwise {
namespace {

TEST_CASE("A device is found by its name, and a wrong name is told from a device that is not there",
          "[cuda]") {
  CHECK(find_device("cpu").is_cpu());
  for (const auto* name :
       {"", "tpu", "CPU", "cpu:0", "cuda:", "cuda:x", "cuda:-1", "cuda:1x", "cuda:256"})
    CHECK_THROWS_AS(find_device(name), std::invalid_argument);
  for (const auto* name : {"cuda:99", "mps", "meta"})
    CHECK_THROWS_AS(find_device(name), DeviceUnavailable);
  if (torch::cuda::is_available()) {
    CHECK(find_device("auto").is_cuda());
    CHECK(find_device("cuda").str() == find_device("cuda:0").str());
  } else {
    CHECK(find_device("auto").is_cpu());
    CHECK_THROWS_AS(find_device("cuda"), DeviceUnavailable);
  }
}

TEST_CASE("The driver's version is what its module says") {
  CHECK(nvidia_driver_in("NVRM version: NVIDIA UNIX x86_64 Kernel Module  550.54.15  Tue Mar  5 "
                         "22:23:56 UTC 2024\nGCC version:  gcc version 12.2.0\n") == "550.54.15");
  CHECK(nvidia_driver_in("NVRM version: NVIDIA UNIX Open Kernel Module for x86_64  580.95  Release "
                         "Build") == "580.95");
  CHECK(nvidia_driver_in("").empty());
}

}  // namespace
}  // namespace layerwise
