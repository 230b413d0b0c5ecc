/// Your own modules as a stacked denoising autoencoder.
#include <cstdio>

#include <torch/nn.h>

#include "layerwise/layerwise.h"

namespace nn = torch::nn;
using layerwise::block;

int main() {
  torch::manual_seed(1);  // LibTorch's own modules draw from its global generator
  layerwise::Random random(/*seed=*/1, /*repeat=*/0);
  const auto blobs = layerwise::make_blobs({.samples = 2000, .centers = 5, .features = 20});
  const auto data = layerwise::split(layerwise::to_dataset(blobs), 1000);

  layerwise::StackedAutoencoder net(
      std::vector{block(nn::BatchNorm1d(20), nn::Linear(20, 12), nn::ELU()),
                  block(nn::Linear(12, 4), nn::Tanh())},
      std::vector{block(nn::Linear(4, 12), nn::ELU()), block(nn::Linear(12, 20))});
  layerwise::StackedAutoencoderOptions training;
  training.phases = {
      {.epochs = 20, .batch_size = 50, .optimizer = layerwise::Adam{.learning_rate = 0.01}}};
  training.corruption = layerwise::masking_noise(0.1);
  layerwise::Observer observer;
  observer.on_stage = [](const layerwise::StageReport& report) {
    std::printf("%s %d: test error %.3f\n",
                report.info.variant.empty() ? "phase" : report.info.variant.c_str(),
                static_cast<int>(report.info.stage),
                layerwise::value_of(report.result.scores, "test", "mse"));
  };
  layerwise::train_stacked_autoencoder(net, data, training, random, observer);
  layerwise::save_checkpoint(*net, "own_autoencoder.safetensors", {{"trained", "phase by phase"}});
}
