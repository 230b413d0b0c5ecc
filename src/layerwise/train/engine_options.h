#pragma once

#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

#include <c10/core/Device.h>

#include "layerwise/train/cache_options.h"

namespace layerwise {

/// The kinds of engines, which take the steps of a stage.
enum class EngineKind {
  automatic,  ///< the fastest engine that supports the stage
  autograd,   ///< any module on any device; the reference
  dense,      ///< chains of `Dense` blocks, with closed-form gradients
  tiny,       ///< chains of `Dense` blocks of at most 64 units, on the CPU
};

/// The precision of products and convolutions.
enum class Precision {
  fp32,
  tf32,  ///< on CUDA, factors are rounded to TensorFloat-32, with 10 bits of mantissa
  /// Factors are rounded to bfloat16; sums, weights and optimizer are float32. The autograd engine
  /// also rounds products, as LibTorch's autocast does. Cached features are computed in float32.
  bf16,
};

struct EngineOptions {
  EngineKind kind = EngineKind::automatic;
  Precision precision = Precision::fp32;
  CacheOptions cache = {};
  /// Where networks go that are made during a training; if empty, to the data. Data that have no
  /// room there may lie in the CPU's memory, from which every batch is copied.
  std::optional<c10::Device> device = {};

  c10::Device device_for(const c10::Device& of_data) const { return device.value_or(of_data); }
};

/// The requested engine does not support the stage or the precision.
struct EngineUnavailable : std::invalid_argument {
  using std::invalid_argument::invalid_argument;
};

/// The precision with this name in options: `fp32`, `tf32` or `bf16`.
/// @throws std::invalid_argument listing the names, if it is none of them
Precision precision_named(const std::string& name);
std::vector<std::string> precision_names();
const char* name_of(Precision precision);

}  // namespace layerwise
