/// Times an epoch of the stacked autoencoder's first phase, here and as a loop written straight on
/// LibTorch, in turns, and prints the ratios. Not a test: run it on a quiet machine.
///
///     cmake --build --preset release --target autoencoder_epoch
///     build/release/bin/autoencoder_epoch [turns]
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <vector>

#include <torch/nn/functional/loss.h>
#include <torch/nn/modules/activation.h>
#include <torch/nn/modules/linear.h>
#include <torch/optim/adam.h>

#include "layerwise/layerwise.h"

namespace {

constexpr int64_t rows = 55000;
constexpr int64_t batch = 150;

double seconds(const std::function<void()>& work) {
  const auto start = std::chrono::steady_clock::now();
  work();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

/// What one writes without this library: float images, one gather a batch, Adam with weight decay.
double eager_epoch(const torch::Tensor& images) {
  namespace nn = torch::nn;
  nn::Sequential net(nn::Linear(784, 300), nn::ELU(), nn::Linear(300, 784));
  torch::optim::Adam adam(net->parameters(), torch::optim::AdamOptions(0.01).weight_decay(1e-4));
  return seconds([&] {
    const auto order = torch::randperm(rows);
    for (int64_t begin = 0; begin + batch <= rows; begin += batch) {
      const auto x = images.index_select(0, order.narrow(0, begin, batch));
      adam.zero_grad();
      torch::nn::functional::mse_loss(net->forward(x), x).backward();
      adam.step();
    }
  });
}

double our_epoch(const torch::Tensor& images) {
  layerwise::Random random(1, 0);
  auto net = layerwise::DenseAutoencoder{}.make(random.initialisation);
  layerwise::FitOptions options{1, batch, layerwise::Adam{0.01}, 1e-4};
  options.last_batch = layerwise::LastBatch::drop;
  layerwise::Split data{{images, {}}, {}};
  layerwise::AutogradEngine engine(
      net->phase(1), {layerwise::reconstruction(), layerwise::Target::features}, data, options);
  return seconds([&] { layerwise::fit(engine, rows, options, random); });
}

/// What it costs to bring an epoch's batches together, scaled.
double gathering(const torch::Tensor& images) {
  const auto order = torch::randperm(rows);
  return seconds([&] {
    for (int64_t begin = 0; begin + batch <= rows; begin += batch)
      layerwise::values_of(images.index_select(0, order.narrow(0, begin, batch)));
  });
}

}  // namespace

int main(int argc, char** argv) {
  const int turns = argc > 1 ? std::atoi(argv[1]) : 5;
  layerwise::set_math_threads(1);
  layerwise::prepare_thread(1);
  const auto bytes = torch::randint(0, 256, {rows, 784}, torch::kUInt8);
  const auto floats = layerwise::values_of(bytes);
  std::vector<double> of_bytes;
  std::vector<double> of_floats;
  for (int turn = 0; turn < turns; ++turn) {
    const double eager = eager_epoch(floats);
    const double ours_bytes = our_epoch(bytes);
    const double ours_floats = our_epoch(floats);
    of_bytes.push_back(ours_bytes / eager);
    of_floats.push_back(ours_floats / eager);
    std::printf("eager %.2f s, layerwise on bytes %.2f s (%.2fx), on floats %.2f s (%.2fx)\n",
                eager, ours_bytes, of_bytes.back(), ours_floats, of_floats.back());
  }
  for (int turn = 0; turn < turns; ++turn) {
    std::printf("gathering alone: %.3f s from bytes, %.3f s from floats\n", gathering(bytes),
                gathering(floats));
  }
  std::sort(of_bytes.begin(), of_bytes.end());
  std::sort(of_floats.begin(), of_floats.end());
  std::printf("median: %.2fx on bytes, %.2fx on floats\n", of_bytes[of_bytes.size() / 2],
              of_floats[of_floats.size() / 2]);
}
