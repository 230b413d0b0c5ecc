#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include <torch/types.h>

#include "layerwise/nn/corruption.h"

namespace layerwise {

/// The place of the numbers for the augmentation of a batch.
NoisePlace augmenting(NoisePlace batch);

/// A random change of the inputs of each training batch that leaves their targets right. `apply`
/// can be any function that keeps shape and type. Scores are computed without it.
///
/// It is applied before the frozen blocks, so that their output differs in every epoch and cannot
/// be cached.
struct Augmentation {
  /// @param inputs [batch, ...], which `apply` must not change in place
  /// @param place the key of the random numbers: equal places are to give equal outputs
  std::function<torch::Tensor(const torch::Tensor& inputs, const NoisePlace& place)> apply;
};

/// Pads images [batch, channels, height, width] on all sides and cuts out, of each, a
/// random part of the original size. Rows are shifted by floor(u0 (2 padding + 1)), columns by
/// floor(u1 (2 padding + 1)), with `uniform_noise(place, 2)`.
/// @param border the values of the padding, [channels]; zeros if undefined
/// @throws std::invalid_argument if `padding` is not positive
Augmentation random_crop(int64_t padding, const torch::Tensor& border = {});
/// Mirrors images [batch, channels, height, width] left to right where u0 < 1/2, with
/// `uniform_noise(place, 1)`.
Augmentation random_flip();
/// One after another; number i, from 0, gets the place with `stage` + i 2^20.
Augmentation compose(std::vector<Augmentation> augmentations);

}  // namespace layerwise
