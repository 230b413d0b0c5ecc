#pragma once

#include <string>
#include <vector>

namespace layerwise {

/// The library that multiplies matrices in the dense engine on the CPU: the BLAS of LibTorch, or
/// oneDNN.
enum class Multiplier { blas, onednn };
const char* name_of(Multiplier multiplier);

/// Choices that the fast engines make for the processor, for the whole program. Other choices give
/// other bits, so a run records its choices, and a resumed run uses them again.
struct ProcessorChoices {
  std::string simd;        ///< the instruction set of their kernels: AVX3, AVX2, SSE4, SCALAR
  std::string multiplier;  ///< BLAS or oneDNN

  bool operator==(const ProcessorChoices&) const = default;
};

/// The current choices. By default the widest instruction set that is available; and oneDNN, if
/// this build has it, where it was measured to be faster: on AMD processors with AVX-512, and where
/// `better_openblas_kernels` says that OpenBLAS is slow; else BLAS.
ProcessorChoices processor_choices();

/// For which processor OpenBLAS should take its kernels, as the value of OPENBLAS_CORETYPE in the
/// environment. Empty if it uses this processor's vectors as it is, or with another BLAS.
///
/// For a processor that is newer than itself, OpenBLAS may take kernels without AVX (0.3.21 does on
/// some of Intel's, there those for Prescott), and then it multiplies several times more slowly.
std::string better_openblas_kernels();

/// Whether this build can multiply matrices with oneDNN.
bool has_onednn();

/// The version of oneDNN in this build, e.g. "2.6.3"; empty if it has none.
std::string onednn_version();

/// The multiplier of float32 matrices in the current choices.
Multiplier chosen_multiplier();

/// Changes the choices. Call it before threads start.
/// @throws std::invalid_argument naming what this processor or build does not support
void set_processor_choices(const ProcessorChoices& choices);

/// The instruction sets that the kernels were built for and this processor supports, the widest
/// first.
std::vector<std::string> simd_targets();

/// Whether the processor multiplies bfloat16 matrices in hardware: AVX512_BF16 or AMX.
bool has_bf16();

/// Flushes denormal numbers to zero in this thread while it lives, and restores the previous
/// setting at its end. The momentum of dead units becomes denormal, which would make updates many
/// times slower.
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
