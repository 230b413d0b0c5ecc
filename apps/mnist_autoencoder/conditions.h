#pragma once

#include <string>
#include <vector>

#include "layerwise/study/published.h"

#include "mnist_autoencoder/autoencoder.h"

namespace layerwise::apps {

/// A training procedure with published numbers.
struct Condition {
  std::string name;
  std::string what;  ///< description in a sentence
  AutoencoderOptions options;
  std::vector<study::Published> published;
};

/// Every condition, "cached" first.
const std::vector<Condition>& conditions();
/// @throws UsageError listing the names
const Condition& condition_named(const std::string& name);

}  // namespace layerwise::apps
