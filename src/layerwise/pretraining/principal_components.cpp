#include "layerwise/pretraining/principal_components.h"

#include <stdexcept>

#include <ATen/ops/linalg_eigh.h>
#include <fmt/format.h>
#include <torch/utils.h>

#include "layerwise/data/chunks.h"
#include "layerwise/data/dataset.h"
#include "layerwise/nn/dense.h"

namespace layerwise {

namespace {

constexpr int64_t summed_at_once = 4096;

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
  const auto doubles_of = [&](int64_t begin, int64_t rows) {
    return values_of(inputs.narrow(0, begin, rows)).to(torch::kFloat64);
  };
  for_each_chunk(inputs.size(0), summed_at_once,
                 [&](int64_t begin, int64_t rows) { mean += doubles_of(begin, rows).sum(0); });
  mean /= inputs.size(0);
  auto scatter = torch::zeros({features, features}, doubles);
  for_each_chunk(inputs.size(0), summed_at_once, [&](int64_t begin, int64_t rows) {
    const auto centered = doubles_of(begin, rows) - mean;
    scatter += centered.t().mm(centered);
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
