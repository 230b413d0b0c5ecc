#pragma once

#include <cstdint>
#include <functional>
#include <span>

#include <torch/types.h>

#include "layerwise/random.h"

namespace layerwise {

/// Which noise is meant. Equal places have equal noise, on every device and in every order: it is
/// computed on the CPU.
struct NoisePlace {
  NoiseKey key;
  uint32_t stage = 1;             ///< from 1
  uint32_t step = 0;              ///< within the stage, from 0
  std::span<const int64_t> rows;  ///< of the samples, in the training split
};

/// Uniform numbers in (0, 1): [rows, elements rounded up to a multiple of 4], float64 on the CPU.
///
/// Element e of a row is word e % 4 of `philox({e / 4, row, step, stage}, {seed, repeat})`, as (x +
/// 0.5) / 2^32.
torch::Tensor uniform_noise(const NoisePlace& place, int64_t elements);

/// What corruption makes of clean inputs [batch, ...].
struct Corrupted {
  torch::Tensor input;
  torch::Tensor hit;  ///< bool: which entries were chosen
};

/// Noise on an autoencoder's input, which it then learns to remove. Any function will do.
/// @see Vincent et al., "Stacked Denoising Autoencoders", 2010, section 3
struct Corruption {
  std::function<Corrupted(const torch::Tensor& clean, const NoisePlace& place)> apply;
  bool in_evaluation =
      false;  ///< the error of a training batch is also measured with (fresh) noise
};

/// Adds normal noise of this standard deviation, by Box-Muller on the numbers (0,1) and (2,3) of
/// each four: sqrt(-2 ln u0) times cos, then sin, of 2 pi u1. Stays on when a batch's error is
/// measured, as in a network whose noise is a layer without a switch.
Corruption gaussian_noise(double standard_deviation);
/// Sets entries to 0 where u < share.
Corruption masking_noise(double share);
/// As masking, and divides what is kept by 1 - share.
Corruption input_dropout(double share);
/// Sets entries to 0 where u < share / 2 and to 1 where share / 2 <= u < share.
Corruption salt_and_pepper_noise(double share);

}  // namespace layerwise
