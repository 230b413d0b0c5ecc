#pragma once

#include <cstdint>
#include <vector>

#include <torch/types.h>

#include "layerwise/nn/greedy_net.h"

namespace layerwise {

/// What the frozen blocks of a network put out for both splits, computed once and kept between
/// stages.
///
/// Frozen blocks do not change during a stage, so their output does not either. From stage to stage
/// only the blocks frozen since are run; if a block that was already run has other bits now (after
/// fine-tuning, say), everything is computed again from the inputs. Agrees with a forward through
/// the whole network to float32 rounding.
class FeatureCache {
 public:
  /// What the frozen blocks put out: [rows, ...] each.
  struct Features {
    torch::Tensor train;
    torch::Tensor test;
  };

  FeatureCache(torch::Tensor train_inputs, torch::Tensor test_inputs);

  /// The features that the trainable part of `net` is fitted to; the inputs themselves while
  /// nothing is frozen.
  const Features& of(const GreedyNet& net);

 private:
  Features inputs_;
  Features features_;
  std::vector<uint64_t> applied_;  // a fingerprint for each block that features_ went through
};

}  // namespace layerwise
