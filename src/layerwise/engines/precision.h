#pragma once

#include <string>

#include <torch/types.h>

#include "layerwise/train/engine_options.h"

namespace layerwise {

/// The reason why a device does not multiply in a precision; empty if it does.
std::string why_not_in(Precision precision, torch::Device device);

/// Makes LibTorch's own products and convolutions on CUDA round their factors to TensorFloat-32, or
/// not, and take kernels that give the same bits in every run; in the whole program. By default,
/// its convolutions round, and may differ from run to run. Changes nothing for other devices.
void settle_precision(Precision precision, torch::Device device);

/// While this object lives, LibTorch's products and convolutions of this thread round their factors
/// to bfloat16, if that is the precision; other operations, such as losses, stay in float32.
class Autocast {
 public:
  Autocast(Precision precision, torch::Device device);
  ~Autocast();
  Autocast(const Autocast&) = delete;
  Autocast& operator=(const Autocast&) = delete;

 private:
  bool on_;
  torch::DeviceType device_;
};

}  // namespace layerwise
