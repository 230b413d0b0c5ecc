#pragma once

#include <torch/nn/modules/container/sequential.h>
#include <torch/types.h>

#include "layerwise/data/dataset.h"
#include "layerwise/nn/chain.h"
#include "layerwise/train/problem.h"

namespace layerwise {

/// Refuses data that do not fit a stage's blocks and objective, before anything is trained.
///
/// Two training rows are sent through the blocks in evaluation mode, where they are not all
/// `Dense`.
/// @throws std::invalid_argument naming the split or the block (numbered from 1, frozen ones first)
///   with shapes and dtypes: if a split has no rows, inputs and targets are not as many, inputs are
///   neither bytes nor of the blocks' dtype or lie on another device, a block does not take what it
///   is given, the loss does not take outputs and targets, or a label has no output
void check_stage(const StageView& view, const Problem& problem, const Split& data);

/// What a chain puts out, as its `forward`.
/// @throws std::invalid_argument naming the block that does not take what it is given
torch::Tensor forward_or_explain(torch::nn::Sequential chain, const torch::Tensor& inputs);

/// @param labels [rows] int64
/// @throws std::invalid_argument naming the row, if a label is not within 0..classes-1: LibTorch's
///   loss would refuse it, and closed-form gradients would read and write elsewhere
void require_labels(const torch::Tensor& labels, int64_t classes);

}  // namespace layerwise
