#include "layerwise/train/feature_cache.h"

#include <algorithm>
#include <utility>

#include "layerwise/train/evaluate.h"

namespace layerwise {

FeatureCache::FeatureCache(torch::Tensor train_inputs, torch::Tensor test_inputs)
    : inputs_{std::move(train_inputs), std::move(test_inputs)}, features_(inputs_) {}

const FeatureCache::Features& FeatureCache::of(const GreedyNet& net) {
  auto frozen = net->frozen_fingerprints();
  const bool extends = applied_.size() <= frozen.size() &&
                       std::equal(applied_.begin(), applied_.end(), frozen.begin());
  if (!extends) {
    features_ = inputs_;
    applied_.clear();
  }
  if (applied_.size() < frozen.size()) {
    const auto missing = chain_of(
        net->blocks(static_cast<int64_t>(applied_.size()), static_cast<int64_t>(frozen.size())));
    features_.train = forward_in_chunks(missing, features_.train);
    features_.test = forward_in_chunks(missing, features_.test);
    applied_ = std::move(frozen);
  }
  return features_;
}

}  // namespace layerwise
