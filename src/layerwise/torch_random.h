#pragma once

#include <cstdint>

#include <ATen/core/Generator.h>
#include <c10/core/impl/LocalDispatchKeySet.h>

#include "layerwise/random.h"

namespace layerwise {

/// The purpose of draws: those of a stage's blocks during training, such as Dropout's masks; or the
/// initial weights of blocks that a factory creates for a stage, such as those of
/// `torch::nn::Linear`.
enum class Draws : uint32_t { training = 0, making = 1 };

/// The seed for the draws of LibTorch's own modules and functions in one stage of a repeat: the
/// first word of `philox({stage, draws, 0, 0}, {seed, repeat})`.
/// @param stage from 1
uint32_t torch_seed(const NoiseKey& key, uint32_t stage, Draws draws = Draws::training);

/// A CPU generator with this seed.
at::Generator torch_generator(const NoiseKey& key, uint32_t stage, Draws draws = Draws::training);

/// While this object lives, draws of this thread from LibTorch's global CPU generator come from
/// another generator instead.
///
/// All threads share the global generator, so that the draws of each thread depend on the order in
/// which the threads come. An explicit generator argument is respected. Other devices are not
/// affected.
class WithGenerator {
 public:
  /// @param generator continues from its current state; must outlive this object
  explicit WithGenerator(at::Generator& generator);
  ~WithGenerator();
  WithGenerator(const WithGenerator&) = delete;
  WithGenerator& operator=(const WithGenerator&) = delete;

 private:
  at::Generator* before_;
  c10::impl::IncludeDispatchKeyGuard intercept_;
};

}  // namespace layerwise
