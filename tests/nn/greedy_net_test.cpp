#include "layerwise/nn/greedy_net.h"

#include <cmath>
#include <vector>

#include <torch/nn/modules/activation.h>
#include <torch/nn/modules/batchnorm.h>
#include <torch/nn/modules/dropout.h>
#include <torch/nn/modules/linear.h>

#include "layerwise/nn/dense.h"
#include "layerwise/nn/initializers.h"
#include "layerwise/nn/stacked_autoencoder.h"

#include "fake_device.h"
#include "testing.h"

namespace layerwise {
namespace {

namespace nn = torch::nn;

GreedyNet small_net(RandomState& random) {
  Block first = dense(2, 4, random);
  Block head = output(4, 3, random);
  return GreedyNet(first, head);
}

std::vector<std::string> parameter_names(const GreedyNet& net) {
  std::vector<std::string> names;
  for (const auto& item : net->named_parameters()) names.push_back(item.key());
  return names;
}

TEST_CASE("Deepening freezes what is there, and nothing else") {
  RandomState random(1);
  auto net = small_net(random);
  REQUIRE(net->layers() == 2);
  REQUIRE(trainable_parameters(*net).size() == 4);
  net->deepen(dense(4, 4, random));
  REQUIRE(net->layers() == 3);
  REQUIRE(net->frozen_blocks() == 1);
  const auto parameters = net->named_parameters();
  for (const auto* name : {"hidden.block1.weight", "hidden.block1.bias"})
    REQUIRE_FALSE(parameters[name].requires_grad());
  for (const auto* name :
       {"hidden.block2.weight", "hidden.block2.bias", "head.output.weight", "head.output.bias"}) {
    REQUIRE(parameters[name].requires_grad());
  }
  REQUIRE(trainable_parameters(*net->trainable()).size() == 4);
  net->unfreeze();
  REQUIRE(trainable_parameters(*net).size() == 6);
}

TEST_CASE("Parameter names and the head do not move when the network grows") {
  RandomState random(1);
  auto net = small_net(random);
  auto names = parameter_names(net);
  const auto head = net->named_parameters()["head.output.weight"];
  net->deepen(dense(4, 4, random));
  for (const auto& name : names) REQUIRE(net->named_parameters().contains(name));
  REQUIRE(net->named_parameters()["head.output.weight"].is_same(head));
}

TEST_CASE("A head that was exchanged comes back as it was") {
  RandomState random(1);
  auto net = small_net(random);
  const auto x = torch::ones({5, 2});
  const auto before = net->forward(x);
  const auto own = net->exchange_head(output(4, 7, random));
  REQUIRE(net->forward(x).size(1) == 7);
  net->exchange_head(own);
  REQUIRE(torch::equal(net->forward(x), before));
  REQUIRE(parameter_names(net).size() == 4);
}

TEST_CASE("Frozen blocks stay in evaluation mode, whatever train() is told") {
  RandomState random(1);
  GreedyNet net(block(nn::Linear(2, 4), nn::BatchNorm1d(4), nn::ReLU(), nn::Dropout(0.5)),
                output(4, 3, random));
  net->deepen(dense(4, 4, random));
  net->train();
  const auto before = fingerprint(*net->blocks()[0].ptr());
  const auto x = torch::randn({8, 2});
  const auto once = net->forward(x);
  REQUIRE(torch::equal(net->forward(x), once));
  REQUIRE(fingerprint(*net->blocks()[0].ptr()) == before);
  REQUIRE(net->blocks()[1].ptr()->is_training());
  net->unfreeze();
  net->train();
  net->forward(x);
  REQUIRE(fingerprint(*net->blocks()[0].ptr()) != before);
}

TEST_CASE("A view shares its layers with the network") {
  RandomState random(1);
  auto net = small_net(random);
  net->deepen(dense(4, 4, random));
  const auto part = net->trainable();
  REQUIRE(part->size() == 2);
  REQUIRE(part->ptr(0) == net->blocks()[1].ptr());
  REQUIRE(net->blocks(0, 1).size() == 1);
}

/// Uses another layer's weight, transposed.
struct TiedImpl : nn::Module {
  explicit TiedImpl(torch::Tensor weight_)
      : weight(register_parameter("weight", std::move(weight_))) {}
  torch::Tensor forward(const torch::Tensor& x) { return x.matmul(weight); }
  torch::Tensor weight;
};
TORCH_MODULE(Tied);

TEST_CASE("A tensor that two modules share is trained once") {
  nn::Linear first(nn::LinearOptions(2, 4).bias(false));
  GreedyNet net{Block(first), Block(Tied(first->weight))};
  REQUIRE(net->parameters().size() == 2);
  REQUIRE(trainable_parameters(*net).size() == 1);
}

TEST_CASE("A snapshot puts every bit back, buffers too") {
  GreedyNet net(block(nn::Linear(2, 4), nn::BatchNorm1d(4)), Block(nn::Linear(4, 1)));
  const Snapshot snapshot(*net);
  const auto before = fingerprint(*net);
  {
    torch::NoGradGuard no_grad;
    for (auto& parameter : net->parameters()) parameter.add_(1);
    net->train();
    net->forward(torch::randn({8, 2}));
  }
  REQUIRE(fingerprint(*net) != before);
  snapshot.restore();
  REQUIRE(fingerprint(*net) == before);
}

TEST_CASE("A fingerprint sees a single flipped bit") {
  Dense layer(DenseOptions{3, 2, Activation::relu});
  const auto before = fingerprint(*layer);
  layer->weight.data_ptr<float>()[5] = -0.0F;
  REQUIRE(fingerprint(*layer) != before);
}

TEST_CASE("Weights are drawn in float64 in the order of [out, in], then rounded") {
  RandomState random(7);
  RandomState same(7);
  const auto hidden = dense(2, 3, random).ptr<DenseImpl>();
  const auto head = output(3, 2, random).ptr<DenseImpl>();
  const double he = std::sqrt(6.0 / 2);
  for (int64_t i = 0; i < 6; ++i) {
    REQUIRE(hidden->weight.data_ptr<float>()[i] == static_cast<float>(same.uniform(-he, he)));
  }
  const double glorot = std::sqrt(6.0 / 5);
  for (int64_t i = 0; i < 6; ++i) {
    REQUIRE(head->weight.data_ptr<float>()[i] == static_cast<float>(same.uniform(-glorot, glorot)));
  }
  REQUIRE(torch::equal(hidden->bias, torch::zeros({3})));
  REQUIRE(hidden->options.activation == Activation::relu);
  REQUIRE(head->options.activation == Activation::linear);
}

TEST_CASE("A convolution's fans count its kernel") {
  RandomState random(7);
  RandomState same(7);
  auto weight = torch::empty({4, 3, 5, 5});
  he_uniform_(weight, random);
  const double limit = std::sqrt(6.0 / (3 * 25));
  REQUIRE(weight.data_ptr<float>()[0] == static_cast<float>(same.uniform(-limit, limit)));
}

TEST_CASE("A dense layer needs widths") {
  REQUIRE_THROWS_AS(Dense(DenseOptions{0, 3, Activation::relu}), std::invalid_argument);
  REQUIRE_THROWS_AS(Dense(DenseOptions{3, -1, Activation::relu}), std::invalid_argument);
}

void check_that_new_blocks_follow(torch::Device device) {
  RandomState random(1);
  auto net = small_net(random);
  net->to(device);
  net->deepen(dense(4, 4, random));
  net->exchange_head(output(4, 2, random));
  REQUIRE(net->forward(torch::ones({2, 2}).to(device)).device() == device);
}

TEST_CASE("New blocks and heads follow the network to its device") {
  check_that_new_blocks_follow(testing::fake_device());
}

TEST_CASE("New blocks and heads follow the network to CUDA", "[cuda]") {
  if (const auto device = testing::cuda()) check_that_new_blocks_follow(*device);
}

TEST_CASE("A clone has values of its own, and the same blocks frozen") {
  RandomState random(1);
  GreedyNet net(block(torch::nn::Linear(3, 4), torch::nn::BatchNorm1d(4)), output(4, 2, random));
  net->deepen(dense(4, 4, random));
  const auto copy = GreedyNet(std::dynamic_pointer_cast<GreedyNetImpl>(net->clone()));
  REQUIRE(copy->frozen_blocks() == 1);
  REQUIRE(copy->layers() == 3);
  REQUIRE(fingerprint(*copy) == fingerprint(*net));
  const auto mine = net->named_parameters();
  for (const auto& parameter : copy->named_parameters()) {
    INFO(parameter.key());
    CHECK(parameter.value().requires_grad() == mine[parameter.key()].requires_grad());
    CHECK(parameter.value().data_ptr() != mine[parameter.key()].data_ptr());
  }
  const auto before = fingerprint(*net);
  copy->parameters().front().detach().add_(1);
  REQUIRE(fingerprint(*net) == before);
  REQUIRE(torch::equal(net->forward(torch::ones({2, 3})), net->forward(torch::ones({2, 3}))));
}

TEST_CASE("A clone of tied weights is tied within itself") {
  RandomState random(1);
  DenseAutoencoder options{{6, 4, 3}};
  options.tied = true;
  auto net = options.make(random);
  auto copy = StackedAutoencoder(std::dynamic_pointer_cast<StackedAutoencoderImpl>(net->clone()));
  const auto x = torch::ones({2, 6});
  const auto before = net->forward(x);
  REQUIRE(torch::equal(copy->forward(x), before));
  for (auto& parameter : copy->parameters()) parameter.detach().add_(0.1);
  REQUIRE(torch::equal(net->forward(x), before));
  // The decoder moves with the encoder's weight.
  copy->encoder->ptr(0)->as<DenseImpl>()->weight.detach().zero_();
  const auto decoder = copy->decoder->ptr(1)->as<TransposedDenseImpl>();
  REQUIRE(torch::equal(decoder->forward(torch::ones({1, 4})), decoder->bias.view({1, 6})));
}

}  // namespace
}  // namespace layerwise
