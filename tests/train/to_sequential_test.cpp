#include <cstdlib>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <torch/nn/modules/activation.h>
#include <torch/nn/modules/batchnorm.h>
#include <torch/nn/modules/linear.h>

#include "layerwise/layerwise.h"

#include "testing.h"

/// Networks without this library: as LibTorch's modules, and in PyTorch.
namespace layerwise {
namespace {

namespace nn = torch::nn;

/// Two networks of every kind of layer, grown and trained for an epoch.
GreedyNet convolutional() {
  Random random(1, 0);
  auto points = to_dataset(make_blobs({.samples = int64_t{60}, .features = 2 * 8 * 8}));
  points.inputs = points.inputs.view({-1, 2, 8, 8});
  const auto head = [](RandomState& draw) {
    return Block(make_pooled_head({.channels = 6, .classes = 3, .convolutions = 1}, draw));
  };
  const auto first =
      Block(make_convolution({.in_channels = 2, .out_channels = 6}, random.initialization));
  GreedyNet net(first, head(random.initialization));
  SupervisedDeepeningOptions options{
      .layers = 3, .fit = {.epochs = 1}, .head = HeadPolicy::fresh, .next_head = head};
  deepen_supervised(
      net, split(points, 40), options,
      [](RandomState& draw) {
        return Block(make_convolution({.in_channels = 6,
                                       .out_channels = 6,
                                       .batch_norm = false,
                                       .activation = Activation::leaky_relu,
                                       .space_to_depth = 2},
                                      draw));
      },
      random);
  return net;
}

GreedyNet dense_net() {
  RandomState draw(1);
  const auto own = block(nn::Linear(nn::LinearOptions(10, 7).bias(false)), nn::BatchNorm1d(7),
                         nn::ELU(nn::ELUOptions().alpha(0.5)), nn::Linear(7, 7), nn::Tanh());
  return GreedyNet(std::vector{dense(12, 10, draw), own}, output(7, 3, draw));
}

StackedAutoencoder autoencoder(bool tied) {
  RandomState draw(1);
  return DenseAutoencoder{.units = {12, 8, 5}, .activation = Activation::selu, .tied = tied}.make(
      draw);
}

/// @param python to rebuild it with; empty for LibTorch alone
template <typename Net>
void check(Net net, const torch::Tensor& inputs, const std::string& python) {
  const torch::NoGradGuard no_grad;
  net->eval();
  auto plain = to_sequential(net);
  for (const auto& layer : plain->children()) REQUIRE(layer->name().rfind("torch::nn::", 0) == 0);
  const auto outputs = net->forward(inputs);
  const auto difference = (plain->forward(inputs) - outputs).abs().max().template item<double>();
  REQUIRE(difference <= 1e-6 * outputs.abs().max().template item<double>());
  plain->parameters().front().add_(1);
  REQUIRE(torch::equal(net->forward(inputs), outputs));

  if (python.empty()) return;
  const testing::TemporaryFolder folder;
  save_checkpoint(*net, folder.file("net.safetensors"), {});
  struct Samples : nn::Module {
    Samples(const torch::Tensor& in, const torch::Tensor& out) {
      register_buffer("inputs", in);
      register_buffer("outputs", out);
    }
  };
  save_checkpoint(Samples(inputs, outputs), folder.file("samples.safetensors"), {});
  const auto command = fmt::format("'{}' '{}/load_in_pytorch.py' '{}' '{}' >/dev/null", python,
                                   LAYERWISE_REFERENCE_DIR, folder.file("net.safetensors"),
                                   folder.file("samples.safetensors"));
  REQUIRE(std::system(command.c_str()) == 0);
}

void check_all(const std::string& python) {
  check(convolutional(), torch::rand({4, 2, 8, 8}), python);
  check(dense_net(), torch::rand({4, 12}), python);
  check(autoencoder(false), torch::rand({4, 12}), python);
  check(autoencoder(true), torch::rand({4, 12}), python);
}

TEST_CASE("A network as LibTorch's own modules has the same outputs, and values of its own") {
  check_all("");
}

TEST_CASE("PyTorch rebuilds every network from its checkpoint alone", "[safetensors]") {
  if (const auto python = testing::python_with("torch, safetensors.torch")) check_all(*python);
}

struct OwnImpl : nn::Module {
  torch::Tensor forward(const torch::Tensor& x) { return x; }
};
TORCH_MODULE(Own);

TEST_CASE("A block of one's own is no chain of LibTorch's layers, and its checkpoint says none") {
  RandomState draw(1);
  const GreedyNet net(Block(Own()), output(4, 3, draw));
  REQUIRE_THROWS_AS(to_sequential(net), std::invalid_argument);
  REQUIRE(layers_json(*net).empty());
}

}  // namespace
}  // namespace layerwise
