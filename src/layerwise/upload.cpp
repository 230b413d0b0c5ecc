#include "layerwise/upload.h"

#include <torch/utils.h>

namespace layerwise {

torch::Tensor upload(const torch::Tensor& tensor, torch::Device device) {
  if (!tensor.is_cpu() || device.is_cpu()) return tensor.to(device);
  return (device.is_cuda() ? tensor.pin_memory() : tensor).to(device, /*non_blocking=*/true);
}

torch::Tensor upload_rows(const torch::Tensor& tensor, const torch::Tensor& rows,
                          torch::Device device) {
  if (!tensor.is_cpu() || !device.is_cuda()) return upload(tensor.index_select(0, rows), device);
  auto shape = tensor.sizes().vec();
  shape[0] = rows.size(0);
  auto gathered = torch::empty(shape, tensor.options().pinned_memory(true));
  torch::index_select_out(gathered, tensor, 0, rows);
  return upload(gathered, device);
}

}  // namespace layerwise
