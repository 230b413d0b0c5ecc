#pragma once

#include <algorithm>
#include <cstdint>
#include <limits>

#include "layerwise/nn/chain.h"
#include "layerwise/random.h"

#include "testing.h"

namespace layerwise::testing {

/// How far float32 may lie from float64 is not the same for every run: a loss that swings enlarges
/// rounding from step to step, a calm one does not, and where a sum lies next to the kink of a
/// ReLU, rounding decides whether a sample counts. So it is measured: the same run in float64, its
/// first weights moved at random by up to so many of float32's roundings, a run in float32 rounding
/// in every step and not once; and the largest difference that this makes, over so many such runs.
constexpr double roundings = 20;
constexpr uint32_t moved_runs = 16;
constexpr double moved_by = roundings * std::numeric_limits<float>::epsilon() / 2;

/// Moves every weight of a float64 block.
inline void move_weights(const Block& block, RandomState& random) {
  torch::NoGradGuard no_grad;
  for (auto& parameter : block.ptr()->parameters()) {
    for (int64_t i = 0; i < parameter.numel(); ++i)
      parameter.data_ptr<double>()[i] *= 1 + random.uniform(-moved_by, moved_by);
  }
}

/// The difference that is allowed, where the moved runs come to this one: twice that, since a
/// sample that counts or not makes about the same difference in all of them.
inline double allowed_difference(double largest_of_moved) {
  return 2 * std::max(largest_of_moved, moved_by);
}

}  // namespace layerwise::testing
