#pragma once

#include <torch/types.h>

namespace layerwise {

/// A tensor on a device; the same tensor if it is there already.
///
/// The CPU does not wait for the device when it copies there: to CUDA, by way of memory that the
/// system does not page out, from which the device reads while it computes and the CPU goes on.
torch::Tensor upload(const torch::Tensor& tensor, torch::Device device);

/// `upload(tensor.index_select(0, rows), device)`, without a second copy on the CPU.
/// @param rows int64, where the tensor is
torch::Tensor upload_rows(const torch::Tensor& tensor, const torch::Tensor& rows,
                          torch::Device device);

}  // namespace layerwise
