#include <cmath>

#include <torch/nn/functional/conv.h>

#include "layerwise/layerwise.h"

#include "testing.h"

namespace layerwise {
namespace {

TEST_CASE("Space to depth puts each square's pixels into the channels of one") {
  const auto images = torch::arange(2 * 3 * 4 * 6, torch::kFloat32).view({2, 3, 4, 6});
  const auto deep = space_to_depth(images, 2);
  REQUIRE((deep.sizes() == torch::IntArrayRef{2, 12, 2, 3}));
  for (const auto& [c, y, x] : {std::tuple(0, 0, 0), std::tuple(2, 1, 0), std::tuple(1, 1, 1)})
    REQUIRE(torch::equal(deep[1][c * 4 + y * 2 + x][1][2], images[1][c][2 + y][4 + x]));
  REQUIRE_THROWS_AS(space_to_depth(images, 4), std::invalid_argument);
  REQUIRE_THROWS_AS(space_to_depth(images.view({2, 72}), 2), std::invalid_argument);
}

TEST_CASE("Convolutional blocks and heads give the shapes that they say, and their formulas") {
  RandomState draw(1);
  const auto images = torch::rand({5, 2, 8, 8});
  auto block = make_convolution(
      {.in_channels = 2, .out_channels = 4, .batch_norm = false, .space_to_depth = 2}, draw);
  const auto features = block->forward(images);
  REQUIRE((features.sizes() == torch::IntArrayRef{5, 4, 4, 4}));
  const auto expected = torch::relu(
      torch::nn::functional::conv2d(space_to_depth(images, 2), block->weight,
                                    torch::nn::functional::Conv2dFuncOptions().padding(1)));
  REQUIRE(torch::allclose(features, expected, 1e-5, 1e-6));
  REQUIRE_FALSE(block->norm);
  REQUIRE((make_residual(4, draw)->forward(features).sizes() == features.sizes()));
  auto head = make_pooled_head({.channels = 4, .classes = 3, .convolutions = 2}, draw);
  REQUIRE((head->forward(features).sizes() == torch::IntArrayRef{5, 3}));
  REQUIRE(head->named_parameters().contains("convolution2.norm.weight"));
}

TEST_CASE("Initializers of a head fill its convolutions and its linear layer") {
  const auto largest = [](const torch::Tensor& weight) { return weight.abs().max().item<float>(); };
  const PooledHeadOptions options{.channels = 16, .classes = 10, .convolutions = 1};
  RandomState draw(1);
  const auto head = make_pooled_head(options, draw);
  CHECK(largest(head->convolutions.front()->weight) > 1 / std::sqrt(16 * 9.0));
  CHECK(largest(head->weight) > 1 / std::sqrt(16 * 4.0));
  const auto narrow = make_pooled_head(options, draw, fan_in_uniform_, fan_in_uniform_);
  CHECK(largest(narrow->convolutions.front()->weight) <= 1 / std::sqrt(16 * 9.0));
  CHECK(largest(narrow->weight) <= 1 / std::sqrt(16 * 4.0));
}

TEST_CASE("Convolutions that cannot be are refused") {
  REQUIRE_THROWS_AS(Convolution(ConvolutionOptions{.in_channels = 0, .out_channels = 4}),
                    std::invalid_argument);
  REQUIRE_THROWS_AS(
      Convolution(ConvolutionOptions{.in_channels = 1, .out_channels = 4, .kernel_size = 2}),
      std::invalid_argument);
  REQUIRE_THROWS_AS(PooledHead(PooledHeadOptions{.channels = 4, .convolutions = -1}),
                    std::invalid_argument);
}

TEST_CASE("A network of convolutions is cloned, exits and all") {
  RandomState draw(1);
  const auto block = [&] {
    return Block(make_convolution({.in_channels = 3, .out_channels = 3}, draw));
  };
  const auto head = [&] { return Block(make_pooled_head({.channels = 3, .classes = 2}, draw)); };
  GreedyNet net(block(), head());
  net->deepen(block());
  net->keep_head_as_exit(head());
  REQUIRE_THROWS_AS(net->keep_head_as_exit(head()), std::logic_error);
  net->deepen(block());  // without an exit
  net->exchange_head(head());
  net->eval();
  const auto images = torch::rand({4, 3, 6, 6});
  const auto outputs = net->forward_exits(images);
  REQUIRE(outputs.size() == 2);
  REQUIRE(torch::equal(outputs.back(), net->forward(images)));
  Block first = net->blocks().front();
  auto exit = *net->exits->begin();
  REQUIRE(torch::equal(outputs.front(), exit.forward(first.forward(images))));
  const auto copy = std::dynamic_pointer_cast<GreedyNetImpl>(net->clone());
  copy->eval();
  REQUIRE(fingerprint(*copy) == fingerprint(*net));
  REQUIRE(torch::equal(copy->forward_exits(images).front(), outputs.front()));
  REQUIRE(net->named_parameters().contains("exits.block1.weight"));
  REQUIRE(net->stage().idle.size() == 1);
}

}  // namespace
}  // namespace layerwise
