#include "layerwise/pretraining/principal_components.h"

#include <algorithm>
#include <stdexcept>

#include <ATen/ops/linalg_eigh.h>
#include <fmt/format.h>
#include <torch/utils.h>

#include "layerwise/data/dataset.h"
#include "layerwise/nn/dense.h"

namespace layerwise {

namespace {

constexpr int64_t chunk_rows = 4096;

/// Some rows at a time, in float64.
template <typename Visit>
void for_each_chunk(const torch::Tensor& inputs, Visit visit) {
  for (int64_t begin = 0; begin < inputs.size(0); begin += chunk_rows) {
    const auto rows = inputs.narrow(0, begin, std::min(chunk_rows, inputs.size(0) - begin));
    visit(values_of(rows).to(torch::kFloat64));
  }
}

}  // namespace

Block principal_components(const torch::Tensor& inputs, int64_t count) {
  if (inputs.dim() != 2 || inputs.size(0) == 0 || count < 1 || count > inputs.size(1)) {
    throw std::invalid_argument(
        fmt::format("principal_components: {} of inputs of another shape", count));
  }
  torch::NoGradGuard no_grad;
  const int64_t features = inputs.size(1);
  const auto doubles = torch::TensorOptions(torch::kFloat64).device(inputs.device());
  auto mean = torch::zeros({features}, doubles);
  for_each_chunk(inputs, [&](const torch::Tensor& rows) { mean += rows.sum(0); });
  mean /= inputs.size(0);
  auto scatter = torch::zeros({features, features}, doubles);
  for_each_chunk(inputs, [&](const torch::Tensor& rows) {
    const auto centred = rows - mean;
    scatter += centred.t().mm(centred);
  });
  const auto [values, vectors] = at::linalg_eigh(scatter, "L");
  auto components = vectors.slice(1, features - count).flip(1).t();
  const auto largest = components.gather(1, components.abs().argmax(1, true));
  components = components * largest.sign();

  Dense block(DenseOptions{features, count, Activation::linear});
  block->to(inputs.device());
  block->weight.copy_(components);
  block->bias.copy_(-components.mv(mean));
  return Block(block);
}

}  // namespace layerwise
