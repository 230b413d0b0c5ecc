#pragma once

#include <stdexcept>
#include <string>
#include <vector>

namespace layerwise {

/// What takes a stage's steps.
enum class EngineKind {
  automatic,  ///< the fastest of the others that can
  autograd,   ///< any module on any device: the reference
  dense,      ///< chains of `Dense` blocks, by closed-form gradients
  tiny,       ///< chains of `Dense` blocks of at most 64 units, on the CPU
};

/// What the dense engine multiplies matrices in.
enum class Precision {
  fp32,
  bf16,  ///< factors rounded to bfloat16; sums, weights and optimizer in float32
};

struct EngineOptions {
  EngineKind kind = EngineKind::automatic;
  Precision precision = Precision::fp32;
};

/// The engine asked for cannot do what it is asked for.
struct EngineUnavailable : std::invalid_argument {
  using std::invalid_argument::invalid_argument;
};

/// As options call them: `fp32`, `bf16`.
/// @throws std::invalid_argument if it is none of them
Precision precision_named(const std::string& name);
std::vector<std::string> precision_names();
const char* name_of(Precision precision);

}  // namespace layerwise
