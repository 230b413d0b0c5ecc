#include "layerwise/engines/processor.h"

#include <hwy/highway.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <stdexcept>

#include <fmt/format.h>
#include <fmt/ranges.h>

#if defined(__x86_64__)
#include <cpuid.h>
#include <xmmintrin.h>
#endif

#include "layerwise/device.h"

namespace layerwise {

namespace {

#if defined(__x86_64__)
struct Registers {
  unsigned a = 0, b = 0, c = 0, d = 0;
};

Registers cpuid(unsigned leaf, unsigned subleaf) {
  Registers r;
  __get_cpuid_count(leaf, subleaf, &r.a, &r.b, &r.c, &r.d);
  return r;
}

bool is_amd() {
  const auto vendor = cpuid(0, 0);
  return vendor.b == 0x68747541U && vendor.d == 0x69746e65U && vendor.c == 0x444d4163U;
}
#endif

Multiplier default_multiplier() {
#if defined(__x86_64__)
  const bool wide_amd = is_amd() && (hwy::SupportedTargets() & HWY_AVX3) != 0;
  if (has_onednn() && (wide_amd || !better_openblas_kernels().empty())) return Multiplier::onednn;
#endif
  return Multiplier::blas;
}

std::atomic<Multiplier>& multiplier() {
  static std::atomic<Multiplier> chosen = default_multiplier();
  return chosen;
}

std::vector<int64_t> targets_here() {
  std::vector<int64_t> targets;
  const auto here = hwy::SupportedTargets() & HWY_TARGETS;
  for (int64_t target = 1; target > 0; target <<= 1) {
    if ((here & target) != 0) targets.push_back(target);
  }
  return targets;
}

/// All targets of this processor. They are determined at the first call, before another target can
/// be chosen.
std::vector<int64_t> all_targets() {
  static const auto targets = targets_here();
  return targets;
}

}  // namespace

const char* name_of(Multiplier multiplier) {
  return multiplier == Multiplier::onednn ? "oneDNN" : "BLAS";
}

std::vector<std::string> simd_targets() {
  std::vector<std::string> names;
  for (const auto target : all_targets()) names.emplace_back(hwy::TargetName(target));
  return names;
}

ProcessorChoices processor_choices() {
  all_targets();
  return {hwy::TargetName(targets_here().front()), name_of(chosen_multiplier())};
}

std::string better_openblas_kernels() {
#if defined(__x86_64__)
  constexpr std::array with_avx2{"Haswell",  "Excavator",  "Zen",
                                 "SkylakeX", "Cooperlake", "SapphireRapids"};
  const auto kernels = openblas_kernels();
  const bool known = std::find(with_avx2.begin(), with_avx2.end(), kernels) != with_avx2.end();
  if (kernels.empty() || known) return {};
  const auto here = hwy::SupportedTargets();
  if ((here & HWY_AVX3) != 0) return "SkylakeX";
  if ((here & HWY_AVX2) != 0) return "Haswell";
#endif
  return {};
}

bool has_onednn() {
#ifdef LAYERWISE_ONEDNN
  return true;
#else
  return false;
#endif
}

Multiplier chosen_multiplier() {
  return multiplier();
}

void set_processor_choices(const ProcessorChoices& choices) {
  const auto targets = all_targets();
  const auto target = std::find_if(targets.begin(), targets.end(), [&](int64_t candidate) {
    return choices.simd == hwy::TargetName(candidate);
  });
  if (target == targets.end()) {
    throw std::invalid_argument(
        fmt::format("the instruction set '{}' is none of those of this processor and build: {}",
                    choices.simd, fmt::join(simd_targets(), ", ")));
  }
  const bool onednn = choices.multiplier == name_of(Multiplier::onednn);
  if (!onednn && choices.multiplier != name_of(Multiplier::blas)) {
    throw std::invalid_argument(
        fmt::format("matrices are multiplied by BLAS or oneDNN, not by '{}'", choices.multiplier));
  }
  if (onednn && !has_onednn())
    throw std::invalid_argument("this build has no oneDNN to multiply matrices with");
  multiplier() = onednn ? Multiplier::onednn : Multiplier::blas;
  hwy::SetSupportedTargetsForTest(*target == targets.front() ? 0 : *target);
  hwy::GetChosenTarget().Update(hwy::SupportedTargets());
}

bool has_bf16() {
#if defined(__x86_64__)
  if ((hwy::SupportedTargets() & HWY_AVX3) == 0) return false;
  const bool avx512_bf16 = (cpuid(7, 1).a >> 5 & 1U) != 0;
  const bool amx_bf16 = (cpuid(7, 0).d >> 22 & 1U) != 0;
  return avx512_bf16 || amx_bf16;
#else
  return false;
#endif
}

FlushDenormals::FlushDenormals() {
#if defined(__x86_64__)
  constexpr unsigned flush_to_zero = 0x8000U;
  constexpr unsigned denormals_are_zero = 0x0040U;
  before_ = _mm_getcsr();
  _mm_setcsr(static_cast<unsigned>(before_) | flush_to_zero | denormals_are_zero);
#elif defined(__aarch64__)
  constexpr unsigned long flush_to_zero = 1UL << 24;
  asm volatile("mrs %0, fpcr" : "=r"(before_));
  asm volatile("msr fpcr, %0" : : "r"(before_ | flush_to_zero));
#else
  before_ = 0;
#endif
}

FlushDenormals::~FlushDenormals() {
#if defined(__x86_64__)
  _mm_setcsr(static_cast<unsigned>(before_));
#elif defined(__aarch64__)
  asm volatile("msr fpcr, %0" : : "r"(before_));
#endif
}

}  // namespace layerwise
