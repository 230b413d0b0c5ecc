#pragma once

#include <string>
#include <vector>

#include <torch/nn/modules/container/sequential.h>

#include "layerwise/data/dataset.h"
#include "layerwise/train/engine.h"
#include "layerwise/train/objective.h"

namespace layerwise {

/// What a chain puts out for inputs [rows, ...]: in evaluation mode, without gradients, in chunks
/// of a fixed size, so that the bits of a row do not depend on who asks.
torch::Tensor forward_in_chunks(torch::nn::Sequential chain, const torch::Tensor& inputs);

/// The metrics of a chain on a data set, in evaluation mode.
std::vector<Score> evaluate(torch::nn::Sequential chain, const Dataset& data,
                            const std::vector<Metric>& metrics, const std::string& split);

/// The value of a score.
/// @throws std::out_of_range if there is none of that name
double value_of(const std::vector<Score>& scores, const std::string& split,
                const std::string& metric);

}  // namespace layerwise
