/// Your own module, deepened layer by layer.
#include <cstdio>

#include <torch/nn.h>

#include "layerwise/layerwise.h"

namespace nn = torch::nn;

int main() {
  torch::manual_seed(1);  // LibTorch's own modules draw from its global generator
  layerwise::Random random(/*seed=*/1, /*repeat=*/0);
  const auto blobs = layerwise::make_blobs(
      {.samples = 1000, .centers = 3, .cluster_std = {2.0}, .random_state = 2});
  const auto data = layerwise::split(layerwise::to_dataset(blobs), 500);

  const auto my_block = [](int64_t inputs) {
    return layerwise::block(nn::Linear(inputs, 16), nn::BatchNorm1d(16), nn::ELU(),
                            nn::Dropout(0.1));
  };
  layerwise::GreedyNet net(my_block(2), layerwise::output(16, 3, random.initialization));
  layerwise::Observer observer;
  observer.on_stage = [](const layerwise::StageReport& report) {
    std::printf("%d layers: test accuracy %.3f\n", static_cast<int>(report.info.layers),
                layerwise::value_of(report.result.scores, "test", "accuracy"));
  };
  layerwise::SupervisedDeepeningOptions options{.layers = 5, .fit = {.epochs = 20}};
  layerwise::deepen_supervised(
      net, data, options, [&](auto&) { return my_block(16); }, random, observer);
}
