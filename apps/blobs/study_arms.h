#pragma once

#include <string>
#include <vector>

#include "layerwise/study/arms.h"

#include "blobs/blobs.h"

namespace layerwise::apps {

/// What the arms of the study are made from.
struct ArmOptions {
  const BlobsData& data;
  Training classifier;   ///< the network and the fits of the supervised arms
  Training autoencoder;  ///< the same of the unsupervised ones
  FineTuning fine_tuning;
  EngineOptions engine;
};

/// The names of the arms, which are those of their variants.
namespace arm {
constexpr auto greedy = "greedy";
constexpr auto fresh_head = "fresh_head";
constexpr auto not_frozen = "not_frozen";
constexpr auto random_prefix = "random_prefix";
constexpr auto at_once = "at_once";
constexpr auto at_once_long = "at_once_long";
constexpr auto two_layers_long = "two_layers_long";
constexpr auto two_layers_wide = "two_layers_wide";
constexpr auto random_fine_tuned = "random_fine_tuned";
constexpr auto softmax = "softmax";
constexpr auto bayes = "bayes";
constexpr auto autoencoder = "autoencoder";
/// All of them for --help, the autoencoders with one setting changed at the end.
constexpr auto all =
    "greedy, fresh_head, not_frozen, random_prefix, at_once, at_once_long, two_layers_long, "
    "two_layers_wide, random_fine_tuned, softmax, bayes, autoencoder, standardized, rate_0.003, "
    "rate_0.001, leaky-relu, elu, tanh, standardized_rate_0.003";
}  // namespace arm

/// The kind of an extra fit: a new linear head on the frozen blocks.
constexpr auto probe = "probe";
constexpr auto fine_tuned = "fine_tuned";

/// The arms that train classifiers.
std::vector<Arm> supervised_arms(const ArmOptions& options, const Split& data);
/// The arms that deepen autoencoders: the tutorial's settings, then one change each.
std::vector<Arm> unsupervised_arms(const ArmOptions& options, const Split& data);

}  // namespace layerwise::apps
