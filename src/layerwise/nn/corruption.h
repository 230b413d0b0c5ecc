#pragma once

#include <cstdint>
#include <functional>
#include <span>

#include <torch/types.h>

#include "layerwise/nn/noise_kind.h"
#include "layerwise/random.h"

namespace layerwise {

/// Identifies the noise of a batch. Equal places have equal uniform numbers, on every device and in
/// every order; on CUDA the Gaussian ones made of them may differ in the last bit.
struct NoisePlace {
  NoiseKey key;
  uint32_t stage = 1;             ///< from 1
  uint32_t step = 0;              ///< within the stage, from 0
  std::span<const int64_t> rows;  ///< row numbers of the samples in the training split
};

/// Uniform numbers in (0, 1): float64 [rows, elements].
///
/// Element e of a row is word e % 4 of `philox({e / 4, row, step, stage}, {seed, repeat})`, as (x +
/// 0.5) / 2^32. They are made on the CPU; see `upload`.
/// @param device where to
torch::Tensor uniform_noise(const NoisePlace& place, int64_t elements,
                            torch::Device device = torch::kCPU);

/// Standard normal numbers, likewise: the Box-Muller transform of the uniform numbers (0,1) and
/// (2,3) of each group of four: sqrt(-2 ln u0) times cos, then sin, of 2 pi u1.
torch::Tensor normal_noise(const NoisePlace& place, int64_t elements,
                           torch::Device device = torch::kCPU);

/// The result of corrupting clean inputs [batch, ...].
struct Corrupted {
  torch::Tensor input;
  torch::Tensor hit;  ///< bool: which entries were selected for corruption
};

/// Noise on the input of an autoencoder, which learns to remove it. `apply` can be any function.
/// @see Vincent et al., "Stacked Denoising Autoencoders", 2010, section 3
struct Corruption {
  std::function<Corrupted(const torch::Tensor& clean, const NoisePlace& place)> apply;
  /// Whether the error of a training batch is also measured with (fresh) noise.
  bool in_evaluation = false;
  NoiseKind kind = NoiseKind::other;
  double amount = 0;  ///< the standard deviation or the share, of a kind that is not `other`
};

/// Adds Gaussian noise with this standard deviation, `normal_noise`. The noise stays on when the
/// error of a batch is measured, as in a network whose noise layer has no switch.
/// @throws std::invalid_argument if the standard deviation is not positive and finite
Corruption gaussian_noise(double standard_deviation);
/// Sets entries to 0 where u < share.
/// @throws std::invalid_argument if `share` is not within (0, 1)
Corruption masking_noise(double share);
/// Like `masking_noise`, but divides the kept entries by 1 - share.
/// @throws std::invalid_argument if `share` is not within (0, 1)
Corruption input_dropout(double share);
/// Sets entries to 0 where u < share / 2 and to 1 where share / 2 <= u < share.
/// @throws std::invalid_argument if `share` is not within (0, 1)
Corruption salt_and_pepper_noise(double share);

}  // namespace layerwise
