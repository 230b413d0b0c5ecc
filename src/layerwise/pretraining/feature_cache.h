#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "layerwise/data/dataset.h"
#include "layerwise/nn/chain.h"
#include "layerwise/train/cache_options.h"

namespace layerwise {

/// The input of the blocks that a stage trains.
struct Features {
  Split data;                 ///< what was kept: inputs, or the output of frozen blocks
  std::vector<Block> frozen;  ///< the frozen blocks that are still to be run on them, every time
  std::string kept;           ///< where and why, in words; empty if nothing was to be decided
};

/// The output of frozen blocks for every split, computed once and kept between stages.
///
/// Frozen blocks do not change during a stage, so their output does not change either. From stage
/// to stage only the newly frozen blocks are run. If the bits of a block that was already run have
/// changed (after fine-tuning, for example), everything is computed again from the inputs. The
/// result agrees with a forward pass through the whole network to float32 rounding. Where features
/// are kept in bfloat16, they are rounded behind every block.
///
/// What is kept is that of one stage; while that of the next is computed, also this.
class FeatureCache {
 public:
  /// @param data the inputs to transform; targets are passed on
  explicit FeatureCache(Split data);

  /// The output of frozen blocks, kept as the options say; the original data if there are no
  /// blocks. Where there is no room for it, what was kept before, and the blocks to run on that.
  /// @throws FileError if a file for it cannot be made, for example because the disk is full
  Features of(const std::vector<Block>& frozen, const CacheOptions& options = {});
  /// The same.
  /// @param prints the blocks' fingerprints, if they are already known
  Features of(const std::vector<Block>& frozen, const std::vector<uint64_t>& prints,
              const CacheOptions& options);

  /// The output of a network's first blocks for one split, computed from the last output that was
  /// kept, and not kept itself.
  torch::Tensor output(const std::vector<Block>& blocks, const std::string& split);

 private:
  /// `of`, with all missing blocks at once.
  Features extend(const std::vector<Block>& frozen, const std::vector<uint64_t>& prints,
                  const CacheOptions& options);
  /// How many of the blocks what is kept went through, after it was given up if it went through
  /// others.
  size_t done(const std::vector<uint64_t>& prints);

  Split data_;
  Split features_;
  std::vector<uint64_t> applied_;  // a fingerprint for each block that features_ went through
  bool in_file_ = false;
  std::string kept_;  // in words
};

}  // namespace layerwise
