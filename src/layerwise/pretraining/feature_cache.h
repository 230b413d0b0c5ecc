#pragma once

#include <cstdint>
#include <vector>

#include "layerwise/data/dataset.h"
#include "layerwise/nn/chain.h"

namespace layerwise {

/// The output of frozen blocks for every split, computed once and kept between stages.
///
/// Frozen blocks do not change during a stage, so their output does not change either. From stage
/// to stage only the newly frozen blocks are run. If the bits of a block that was already run have
/// changed (after fine-tuning, for example), everything is computed again from the inputs. The
/// result agrees with a forward pass through the whole network to float32 rounding.
class FeatureCache {
 public:
  /// @param data the inputs to transform; targets are passed on
  explicit FeatureCache(Split data);

  /// The data with the output of these blocks as inputs; the original data if there are no blocks.
  const Split& of(const std::vector<Block>& frozen);
  /// The same.
  /// @param prints the blocks' fingerprints, if they are already known
  const Split& of(const std::vector<Block>& frozen, std::vector<uint64_t> prints);

 private:
  Split data_;
  Split features_;
  std::vector<uint64_t> applied_;  // a fingerprint for each block that features_ went through
};

}  // namespace layerwise
