#pragma once

#include <cstdint>
#include <vector>

#include "layerwise/data/dataset.h"
#include "layerwise/nn/chain.h"

namespace layerwise {

/// What frozen blocks put out for every split, computed once and kept between stages.
///
/// Frozen blocks do not change during a stage, so their output does not either. From stage to stage
/// only the blocks frozen since are run; if a block that was already run has other bits now (after
/// fine-tuning, say), everything is computed again from the inputs. Agrees with a forward through
/// the whole network to float32 rounding.
class FeatureCache {
 public:
  /// @param data of which the inputs count; targets go along
  explicit FeatureCache(Split data);

  /// The data with what these blocks put out as inputs; as it was given, if there are none.
  const Split& of(const std::vector<Block>& frozen);
  /// The same.
  /// @param prints the blocks' fingerprints, where they are known
  const Split& of(const std::vector<Block>& frozen, std::vector<uint64_t> prints);

 private:
  Split data_;
  Split features_;
  std::vector<uint64_t> applied_;  // a fingerprint for each block that features_ went through
};

}  // namespace layerwise
