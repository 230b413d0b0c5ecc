#pragma once

#include <functional>

#include "layerwise/data/mnist.h"
#include "layerwise/report/figure.h"

namespace layerwise::apps {

/// The first test image of each class, above its reconstruction.
/// @param reconstruct from [1, pixels] to [1, pixels]
report::Mosaic reconstructions(
    const std::function<torch::Tensor(const torch::Tensor& image)>& reconstruct,
    const LabelledImages& images);

/// The weights of the 30 first-layer units with the largest norms, each scaled to its largest
/// weight.
/// @param weight [units, pixels]
report::Mosaic filters(const torch::Tensor& weight, const LabelledImages& images);

}  // namespace layerwise::apps
