#pragma once

#include <torch/nn/modules/container/sequential.h>
#include <torch/types.h>

#include "layerwise/data/dataset.h"
#include "layerwise/nn/chain.h"
#include "layerwise/train/problem.h"

namespace layerwise {

/// Checks before the training that the data fit the blocks and the objective of a stage.
///
/// Unless all blocks are `Dense`, two training rows are sent through the blocks in evaluation mode.
/// @param smallest_batch rows of the smallest batch; if that is one, which batch normalization
///   refuses, the trained blocks also get one row in training mode, and their buffers back
/// @throws std::invalid_argument naming the split or the block (numbered from 1, frozen ones first)
///   with shapes and dtypes, if a split has no rows, the numbers of inputs and targets differ,
///   inputs are neither bytes nor of the blocks' dtype (or bfloat16 for float32), or neither on the
///   CPU nor on the blocks' device, an augmentation changes their shape or dtype, a block does not
///   accept its input, the loss does not accept outputs and targets, or a label has no output
void check_stage(const StageView& view, const Problem& problem, const Split& data,
                 int64_t smallest_batch = 2);

/// The output of a chain, as its `forward`.
/// @throws std::invalid_argument naming the block that does not accept its input
torch::Tensor forward_or_explain(torch::nn::Sequential chain, const torch::Tensor& inputs);

/// @param labels [rows] int64
/// @throws std::invalid_argument naming the row, if a label is not within 0..classes-1. LibTorch's
///   loss would reject such a label, and closed-form gradients would read and write out of bounds
void require_labels(const torch::Tensor& labels, int64_t classes);

}  // namespace layerwise
