#pragma once

#include <string>
#include <vector>

namespace layerwise {

/// What multiplies matrices in the dense engine on the CPU: LibTorch, which calls its BLAS, or
/// oneDNN.
enum class Multiplier { blas, onednn };
const char* name_of(Multiplier multiplier);

/// What the fast engines choose by the kind of processor, for the whole program. Other choices give
/// other bits, so a run records them, and one that goes on takes them over.
struct ProcessorChoices {
  std::string simd;        ///< the instruction set of their kernels: AVX3, AVX2, SSE4, SCALAR
  std::string multiplier;  ///< BLAS or oneDNN

  bool operator==(const ProcessorChoices&) const = default;
};

/// By default the widest instruction set there is, and oneDNN on AMD processors with AVX-512, where
/// it was measured to be faster, if this build has it; else BLAS.
ProcessorChoices processor_choices();

/// This build multiplies with oneDNN, too.
bool has_onednn();

/// The version of oneDNN that this build multiplies with, as "2.6.3"; empty if it has none.
std::string onednn_version();

/// The multiplier of float32 among these choices.
Multiplier chosen_multiplier();

/// Makes other choices, before threads start.
/// @throws std::invalid_argument naming what this processor or build cannot do
void set_processor_choices(const ProcessorChoices& choices);

/// The instruction sets that the kernels were built for and this processor has, the widest first.
std::vector<std::string> simd_targets();

/// The processor multiplies bfloat16 matrices in hardware: AVX512_BF16 or AMX.
bool has_bf16();

/// Flushes denormal numbers to zero in this thread while it lives, and restores what was set: dead
/// units get there by their momentum, which would make updates many times slower.
class FlushDenormals {
 public:
  FlushDenormals();
  ~FlushDenormals();
  FlushDenormals(const FlushDenormals&) = delete;
  FlushDenormals& operator=(const FlushDenormals&) = delete;

 private:
  unsigned long before_;
};

}  // namespace layerwise
