#pragma once

#include <cstdint>

#include <ATen/core/Generator.h>
#include <c10/core/impl/LocalDispatchKeySet.h>

#include "layerwise/random.h"

namespace layerwise {

/// What is drawn: what a stage's blocks draw while they are trained, as Dropout its masks; or the
/// first weights of the blocks that a factory makes for a stage, as `torch::nn::Linear` its own.
enum class Draws : uint32_t { training = 0, making = 1 };

/// The seed of what LibTorch's own modules and functions draw in one stage of a repeat: the first
/// word of `philox({stage, draws, 0, 0}, {seed, repeat})`.
/// @param stage from 1
uint32_t torch_seed(const NoiseKey& key, uint32_t stage, Draws draws = Draws::training);

/// A generator for the CPU with this seed.
at::Generator torch_generator(const NoiseKey& key, uint32_t stage, Draws draws = Draws::training);

/// As long as it lives, what this thread draws from LibTorch's global generator on the CPU is drawn
/// from another one instead.
///
/// The global generator is shared by all threads, so that what each of them draws from it depends
/// on who comes first. An explicit generator argument is respected. Other devices are left alone.
class WithGenerator {
 public:
  /// @param generator which goes on from where it stands, and must outlive this
  explicit WithGenerator(at::Generator& generator);
  ~WithGenerator();
  WithGenerator(const WithGenerator&) = delete;
  WithGenerator& operator=(const WithGenerator&) = delete;

 private:
  at::Generator* before_;
  c10::impl::IncludeDispatchKeyGuard intercept_;
};

}  // namespace layerwise
