#include "layerwise/pretraining/feature_cache.h"

#include <algorithm>
#include <utility>

#include "layerwise/train/evaluate.h"

namespace layerwise {

FeatureCache::FeatureCache(Split data) : data_(std::move(data)), features_(data_) {}

const Split& FeatureCache::of(const std::vector<Block>& frozen) {
  return of(frozen, fingerprints(frozen));
}

const Split& FeatureCache::of(const std::vector<Block>& frozen, std::vector<uint64_t> prints) {
  const bool extends = applied_.size() <= prints.size() &&
                       std::equal(applied_.begin(), applied_.end(), prints.begin());
  if (!extends) {
    features_ = data_;
    applied_.clear();
  }
  if (applied_.size() < prints.size()) {
    const auto done = static_cast<std::ptrdiff_t>(applied_.size());
    const auto missing = chain_of({frozen.begin() + done, frozen.end()});
    for (auto* part : {&features_.train, &features_.validation, &features_.test}) {
      if (part->inputs.defined()) part->inputs = forward_in_chunks(missing, part->inputs);
    }
    applied_ = std::move(prints);
  }
  return features_;
}

}  // namespace layerwise
