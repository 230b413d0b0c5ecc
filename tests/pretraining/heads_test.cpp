#include <cmath>
#include <string>
#include <vector>

#include <torch/nn/modules/linear.h>

#include "layerwise/layerwise.h"

#include "testing.h"

/// What becomes of heads, and of blocks and heads that do not go together.
namespace layerwise {
namespace {

Split images() {
  auto points = to_dataset(make_blobs({.samples = int64_t{60}, .features = 2 * 4 * 4}));
  points.inputs = points.inputs.view({-1, 2, 4, 4});
  return split(points, 40);
}

Block convolution(int64_t inputs, int64_t outputs, RandomState& draw) {
  return Block(make_convolution({.in_channels = inputs, .out_channels = outputs}, draw));
}
Block head(int64_t channels, RandomState& draw, int64_t convolutions = 0) {
  return Block(
      make_pooled_head({.channels = channels, .classes = 3, .convolutions = convolutions}, draw));
}

/// Blocks of three, then of four channels.
SupervisedDeepeningOptions deepening(HeadPolicy policy, int64_t width) {
  SupervisedDeepeningOptions options{
      .layers = 3, .fit = {.epochs = 2, .batch_size = 10}, .head = policy};
  if (policy != HeadPolicy::kept)
    options.next_head = [=](RandomState& draw) { return head(width, draw, 1); };
  return options;
}

/// Trains and gives the values of a tensor of the head when the second stage begins.
torch::Tensor second_head(HeadPolicy policy, int64_t width, const std::string& tensor,
                          torch::Tensor* of_first) {
  Random random(1, 0);
  const auto first = convolution(2, 3, random.initialization);
  GreedyNet net(first, head(3, random.initialization, 1));
  torch::Tensor begun;
  Observer observer;
  observer.on_progress = [&](const StageInfo& info, const FitView& view) {
    const auto tensors = net->head->ptr(0)->named_parameters();
    if (info.stage == 2 && view.step == 0) begun = tensors[tensor].detach().clone();
    if (info.stage == 1) *of_first = tensors[tensor].detach().clone();
    return Next::go_on;
  };
  deepen_supervised(
      net, images(), deepening(policy, width),
      [=](RandomState& draw) { return convolution(3, width, draw); }, random, observer);
  return begun;
}

TEST_CASE("A head is kept, fresh, or starts from what fits of the last one") {
  torch::Tensor last;
  REQUIRE(torch::equal(second_head(HeadPolicy::kept, 3, "weight", &last), last));
  REQUIRE_FALSE(torch::equal(second_head(HeadPolicy::fresh, 3, "weight", &last), last));
  REQUIRE(torch::equal(second_head(HeadPolicy::warm, 3, "weight", &last), last));
  // Of a wider head, only what does not depend on the width.
  REQUIRE(torch::equal(second_head(HeadPolicy::warm, 4, "bias", &last), last));
  REQUIRE(second_head(HeadPolicy::warm, 4, "weight", &last).size(1) == 16);
}

TEST_CASE("Head policies that cannot be are refused") {
  const auto refused = [](const SupervisedDeepeningOptions& options) {
    Random random(1, 0);
    GreedyNet net(convolution(2, 3, random.initialization), head(3, random.initialization));
    REQUIRE_THROWS_AS(deepen_supervised(
                          net, images(), options,
                          [](RandomState& draw) { return convolution(3, 3, draw); }, random),
                      std::invalid_argument);
  };
  auto options = deepening(HeadPolicy::fresh, 3);
  options.next_head = {};
  refused(options);
  options = deepening(HeadPolicy::fresh, 3);
  options.head = HeadPolicy::kept;
  refused(options);
  options = deepening(HeadPolicy::kept, 3);
  options.ensemble = true;
  refused(options);
}

TEST_CASE("The ensemble's accuracy is that of the heads' weighted probabilities") {
  auto options = deepening(HeadPolicy::fresh, 3);
  options.layers = 4;
  options.ensemble = true;
  const auto data = images();
  Random random(1, 0);
  GreedyNet net(convolution(2, 3, random.initialization), head(3, random.initialization, 1));
  double reported = 0;
  Observer observer;
  observer.on_stage = [&](const StageReport& report) {
    reported = value_of(report.result.scores, "test", "ensemble_accuracy");
    if (report.info.stage == 1)
      REQUIRE(reported == value_of(report.result.scores, "test", "accuracy"));
  };
  deepen_supervised(
      net, data, options, [](RandomState& draw) { return convolution(3, 3, draw); }, random,
      observer);
  net->eval();
  torch::NoGradGuard no_grad;
  const auto outputs = net->forward_exits(data.test.inputs);
  REQUIRE(outputs.size() == 3);
  const auto sum = torch::softmax(outputs[0], 1) + 2 * torch::softmax(outputs[1], 1) +
                   4 * torch::softmax(outputs[2], 1);
  const auto right = sum.argmax(1).eq(data.test.targets).to(torch::kFloat64).mean();
  REQUIRE(right.item<double>() == reported);
  REQUIRE(plan_of(options, data).front().scores.back() ==
          std::pair<std::string, std::string>("test", "ensemble_accuracy"));
}

TEST_CASE("An ensemble of which a head has diverged has no accuracy") {
  auto options = deepening(HeadPolicy::fresh, 3);
  options.ensemble = true;
  options.fit.optimizer = Sgd{1e30};
  Random random(1, 0);
  GreedyNet net(convolution(2, 3, random.initialization), head(3, random.initialization, 1));
  int stages = 0;
  Observer observer;
  observer.on_stage = [&](const StageReport& report) {
    ++stages;
    CHECK(std::isnan(value_of(report.result.scores, "test", "ensemble_accuracy")));
  };
  const auto next = [](RandomState& draw) { return convolution(3, 3, draw); };
  deepen_supervised(net, images(), options, next, random, observer);
  CHECK(stages == 1);
}

TEST_CASE("One block trained greedily has the bits of one trained end to end; cached or not") {
  const auto data = images();
  const auto trained = [&](int way) {
    Random random(1, 0);
    GreedyNet net(convolution(2, 3, random.initialization), head(3, random.initialization, 1));
    auto options = deepening(HeadPolicy::fresh, 3);
    options.layers = 2;
    if (way == 0) {
      deepen_supervised(
          net, data, options, [](RandomState& draw) { return convolution(3, 3, draw); }, random);
    } else {
      fit_stage(net->stage(), {classification(), Target::given, {}, random.noise}, data,
                options.fit, random);
    }
    return fingerprint(*net);
  };
  REQUIRE(trained(0) == trained(1));
  // Two blocks, the first frozen: its output from the cache, and computed for every batch.
  const auto second = [&](bool cached) {
    Random random(1, 0);
    GreedyNet net(convolution(2, 3, random.initialization), head(3, random.initialization));
    net->deepen(convolution(3, 3, random.initialization));
    const auto before = fingerprint(*net->blocks().front().ptr());
    const FitOptions fit{.epochs = 1, .batch_size = 10};
    FeatureCache cache(data);
    const auto result = cached
                            ? fit_stage(net->stage(), {classification()}, cache, data, fit, random)
                            : fit_stage(net->stage(), {classification()}, data, fit, random);
    REQUIRE(fingerprint(*net->blocks().front().ptr()) == before);  // its running means, too
    return value_of(result.scores, "test", "cross_entropy");
  };
  REQUIRE(std::abs(second(true) - second(false)) < 1e-5 * second(false));
}

TEST_CASE("A block or head of any stage that does not fit is refused before anything is trained") {
  int trained = 0;
  const Observer counting{.on_stage = [&](const StageReport&) { ++trained; }};
  const auto refused = [&](const SupervisedDeepeningOptions& options, const BlockFactory& next,
                           const std::string& part) {
    Random random(1, 0);
    GreedyNet net(convolution(2, 3, random.initialization), head(3, random.initialization));
    const auto streams = random.to_text();
    try {
      deepen_supervised(net, images(), options, next, random, counting);
      FAIL_CHECK("not refused: " << part);
    } catch (const std::invalid_argument& error) {
      INFO(error.what());
      CHECK(testing::contains(error.what(), part));
    }
    CHECK(random.to_text() == streams);
    CHECK(net->layers() == 2);
  };
  // Each block of stage 2 widens what stage 3 expects.
  const auto narrow = [](RandomState& draw) { return convolution(3, 4, draw); };
  auto options = deepening(HeadPolicy::fresh, 4);
  options.layers = 4;
  refused(options, narrow, "block 3");
  options.head = HeadPolicy::kept;
  options.next_head = {};
  options.layers = 3;
  refused(options, narrow, "block 3, PooledHead(3 channels");
  options = deepening(HeadPolicy::fresh, 3);
  options.layers = 4;
  options.next_head = [](int64_t stage, RandomState& draw) {
    return head(stage == 3 ? 5 : 3, draw);
  };
  const auto same = [](RandomState& draw) { return convolution(3, 3, draw); };
  refused(options, same, "block 4, PooledHead(5 channels");
  options.head = HeadPolicy::warm;
  options.next_head = [](int64_t stage, RandomState& draw) {
    return stage == 3 ? block(torch::nn::Flatten(), torch::nn::Linear(48, 3)) : head(3, draw);
  };
  refused(options, same, "no tensor of the old one");

  Random random(1, 0);
  const auto points = split(to_dataset(make_blobs({.samples = int64_t{40}, .features = 4})), 20);
  GreedyNet net(dense(4, 5, random.initialization), output(5, 4, random.initialization));
  const auto encoder = [](RandomState& draw) { return dense(5, 5, draw); };
  const auto classifier = [](int64_t stage, RandomState& draw) {
    return output(stage == 2 ? 6 : 5, 3, draw);
  };
  CHECK_THROWS_AS(deepen_autoencoder(net, points, {.layers = 3, .fit = {.epochs = 1}}, encoder,
                                     classifier, random, counting),
                  std::invalid_argument);
  StackedAutoencoder stack(
      std::vector{block(torch::nn::Linear(4, 3)), block(torch::nn::Linear(3, 2))},
      std::vector{block(torch::nn::Linear(2, 5)), block(torch::nn::Linear(3, 4))});
  StackedAutoencoderOptions phases;
  phases.phases = {{.epochs = 1}};
  CHECK_THROWS_WITH(train_stacked_autoencoder(stack, points, phases, random, counting),
                    "the network puts out [2, 5], but is to reconstruct [2, 3]");
  CHECK(trained == 0);
}

TEST_CASE("Blocks and heads that do not go together are refused with their shapes") {
  const auto refused = [](const Block& block, const Block& top, const std::string& part) {
    Random random(1, 0);
    GreedyNet net(block, top);
    try {
      fit_stage(net->stage(), {classification()}, images(), {.epochs = 1}, random);
      FAIL_CHECK("not refused: " << part);
    } catch (const std::invalid_argument& error) {
      INFO(error.what());
      CHECK(testing::contains(error.what(), part));
      CHECK_FALSE(testing::contains(error.what(), "Exception raised from"));
    }
  };
  RandomState draw(1);
  refused(convolution(5, 3, draw), head(3, draw), "does not take the inputs, [2, 2, 4, 4] Float");
  refused(
      convolution(2, 3, draw), head(4, draw),
      "block 2, PooledHead(4 channels, 0 convolutions, pooled to 2x2, 3 classes), does not take "
      "what block 1 puts out, [2, 3, 4, 4] Float");
  refused(convolution(2, 3, draw), Block(torch::nn::Linear(7, 3)), "[2, 3, 4, 4] Float");
  refused(Block(make_convolution({.in_channels = 2, .out_channels = 3, .space_to_depth = 3}, draw)),
          head(3, draw), "multiples of 3");
  refused(Block(make_convolution({.in_channels = 2, .out_channels = 3, .space_to_depth = 3}, draw)),
          head(3, draw), "block 1, Convolution(");
  refused(convolution(2, 3, draw), Block(make_residual(3, draw)),
          "the network puts out [2, 3, 4, 4]");
}

}  // namespace
}  // namespace layerwise
