#include "common/mosaics.h"

#include <algorithm>
#include <vector>

#include <torch/utils.h>

namespace layerwise::apps {

namespace {

std::vector<float> values_in(const torch::Tensor& tensor) {
  const auto flat = tensor.to(torch::kCPU, torch::kFloat32).contiguous();
  return {flat.data_ptr<float>(), flat.data_ptr<float>() + flat.numel()};
}

}  // namespace

report::Mosaic reconstructions(
    const std::function<torch::Tensor(const torch::Tensor&)>& reconstruct,
    const LabelledImages& images) {
  report::Mosaic mosaic{"reconstructions", images.width, images.height, {}, 0, 1, false};
  mosaic.rows = {{"test image", {}}, {"reconstruction", {}}};
  for (int64_t label = 0; label < 10; ++label) {
    const auto rows = images.test.targets.eq(label).nonzero();
    if (rows.size(0) == 0) continue;
    const auto row = rows[0].item<int64_t>();
    const auto image = values_of(images.test.inputs.narrow(0, row, 1));
    mosaic.rows[0].tiles.push_back(values_in(image));
    mosaic.rows[1].tiles.push_back(values_in(reconstruct(image.clone()).clamp(0, 1)));
  }
  return mosaic;
}

report::Mosaic filters(const torch::Tensor& weight, const LabelledImages& images) {
  constexpr int64_t rows = 3;
  constexpr int64_t columns = 10;
  const auto order = weight.norm(2, 1).argsort(0, true);
  report::Mosaic mosaic{"filters", images.width, images.height, {}, -1, 1, true};
  for (int64_t i = 0; i < std::min(rows * columns, order.size(0)); ++i) {
    if (i % columns == 0) mosaic.rows.push_back({i == 0 ? "strongest" : "", {}});
    const auto filter = weight[order[i].item<int64_t>()];
    mosaic.rows.back().tiles.push_back(values_in(filter / filter.abs().max().clamp_min(1e-30)));
  }
  return mosaic;
}

}  // namespace layerwise::apps
