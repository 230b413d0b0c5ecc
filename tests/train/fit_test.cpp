#include <cmath>
#include <numeric>
#include <vector>

#include <torch/nn/modules/activation.h>
#include <torch/nn/modules/batchnorm.h>
#include <torch/nn/modules/dropout.h>
#include <torch/nn/modules/linear.h>

#include "layerwise/data/blobs.h"
#include "layerwise/engines/autograd_engine.h"
#include "layerwise/engines/engines.h"
#include "layerwise/nn/dense.h"
#include "layerwise/nn/greedy_net.h"
#include "layerwise/pretraining/fit_stage.h"
#include "layerwise/train/evaluate.h"

#include "fake_device.h"
#include "testing.h"

namespace layerwise {
namespace {

namespace nn = torch::nn;

/// One row, input 1 and target 1, and a linear unit that starts at w = b = 0: loss (w + b - 1)^2,
/// gradient -2 each.
struct OneUnit {
  Dense unit{DenseOptions{1, 1, Activation::linear}};
  Split data = [] {
    const Dataset one{torch::ones({1, 1}), torch::ones({1, 1})};
    return Split{one, one};
  }();

  FitResult fit(const FitOptions& options, std::span<const Hook> hooks = {}) {
    AutogradEngine engine({{}, {Block(unit)}}, {reconstruction()}, data, options);
    Random random(0, 0);
    return layerwise::fit(engine, 1, options, random, hooks);
  }
  float weight() const { return unit->weight.item<float>(); }
};

Split blobs_of(int64_t samples) {
  BlobsOptions options;
  options.samples = samples;
  return split(to_dataset(make_blobs(options)), samples / 2);
}

TEST_CASE("SGD steps are those that can be done in the head") {
  OneUnit plain;
  plain.fit({1, 1, Sgd{0.25, 0.0}});
  REQUIRE(plain.weight() == 0.5F);
  REQUIRE(plain.unit->bias.item<float>() == 0.5F);

  OneUnit with_momentum;  // the second gradient is 0, the velocity -2 * 0.5
  with_momentum.fit({2, 1, Sgd{0.25, 0.5}});
  REQUIRE(with_momentum.weight() == 0.75F);
}

TEST_CASE("Every fit starts its momentum at zero") {
  OneUnit unit;
  unit.fit({1, 1, Sgd{0.25, 0.5}});
  unit.fit({1, 1, Sgd{0.25, 0.5}});
  REQUIRE(unit.weight() == 0.5F);
}

TEST_CASE("Hooks see epoch 0 and every epoch, and may end the fit") {
  OneUnit unit;
  std::vector<int64_t> epochs;
  std::vector<double> losses;
  const std::vector<Hook> hooks{[&](const FitView& view) {
    epochs.push_back(view.epoch);
    losses.push_back(view.loss);
    return view.epoch == 3 ? Next::stop : Next::go_on;
  }};
  const auto result = unit.fit({10, 1, Sgd{0.25, 0.0}}, hooks);
  REQUIRE(result.epochs == 3);
  REQUIRE(epochs == std::vector<int64_t>{0, 1, 2, 3});
  REQUIRE(std::isnan(losses[0]));
  REQUIRE(losses[1] == 1.0);  // before the first step
  REQUIRE(losses[2] == 0.0);
}

TEST_CASE("Hooks may be called every few steps, and a fit may end in the middle of an epoch") {
  const auto data = blobs_of(50);  // 25 rows to train on: 4 batches an epoch
  struct Seen {
    int64_t epoch, step;
    double loss;
  };
  const auto seen_in = [&](FitOptions options) {
    Random random(1, 0);
    AutogradEngine engine({{}, {output(2, 3, random.initialization)}}, {classification()}, data,
                          options);
    std::vector<Seen> seen;
    const std::vector<Hook> hooks{[&](const FitView& view) {
      REQUIRE(view.steps == (options.steps > 0 ? options.steps : 12));
      REQUIRE(view.epochs == 3);
      seen.push_back({view.epoch, view.step, view.loss});
      return Next::go_on;
    }};
    fit(engine, 25, options, random, hooks);
    return seen;
  };
  FitOptions options{3, 8, Sgd{}};
  const auto by_epoch = seen_in(options);
  REQUIRE(by_epoch.size() == 4);
  options.hook_every = 1;
  const auto by_step = seen_in(options);
  REQUIRE(by_step.size() == 13);
  double loss = 0;
  for (int64_t i = 1; i <= 12; ++i) {
    const auto& view = by_step[static_cast<size_t>(i)];
    REQUIRE(view.step == i);
    REQUIRE(view.epoch == i / 4);
    loss += view.loss * (i % 4 == 0 ? 1 : 8);  // the fourth batch has the one row that is left
    if (i % 4 != 0) continue;
    REQUIRE(testing::relative_difference(loss / 25, by_epoch[static_cast<size_t>(i / 4)].loss) <
            1e-12);
    loss = 0;
  }
  options.steps = 10;
  options.hook_every = 3;
  const auto ten = seen_in(options);
  REQUIRE(ten.size() == 5);  // 0, 3, 6, 9 and the last, 10
  REQUIRE(ten.back().step == 10);
  REQUIRE(ten.back().epoch == 2);
  REQUIRE(ten.back().loss == by_step[10].loss);
}

TEST_CASE("A fit that diverges ends and says in which epoch") {
  OneUnit unit;
  const auto result = unit.fit({1000, 1, Sgd{1e6, 0.0}});
  REQUIRE(result.diverged_in > 1);
  REQUIRE(result.epochs == result.diverged_in);
  REQUIRE(result.epochs < 1000);
}

TEST_CASE("The last, shorter batch is kept, and each epoch draws one permutation") {
  const auto data = blobs_of(50);
  Random random(1, 0);
  const FitOptions options{3, 8, Sgd{}};
  AutogradEngine engine({{}, {output(2, 3, random.initialization)}}, {classification()}, data,
                        options);
  auto same = random;
  REQUIRE(fit(engine, 25, options, random).steps == 3 * 4);
  for (int i = 0; i < 3; ++i) same.order.permutation(25);
  REQUIRE(random.order.next_uint32() == same.order.next_uint32());
}

TEST_CASE("Options that make no sense are refused by name") {
  const auto refused = [](const FitOptions& options, const char* name) {
    try {
      check(options, 10);
    } catch (const std::invalid_argument& error) {
      return std::string(error.what()).find(name) != std::string::npos;
    }
    return false;
  };
  REQUIRE(refused({0, 32, Sgd{}}, "epochs is 0"));
  REQUIRE(refused({1, -1, Sgd{}}, "batch_size is -1"));
  REQUIRE(refused({1, 1, Sgd{0.0, 0.9}}, "learning_rate is 0"));
  REQUIRE(refused({1, 1, Sgd{NAN, 0.9}}, "learning_rate is nan"));
  REQUIRE(refused({1, 1, Sgd{0.1, 1.0}}, "momentum is 1"));
  REQUIRE(refused({1, 1, Adam{0.0}}, "learning_rate is 0"));
  REQUIRE(refused({1, 1, Adam{0.1, 1.0}}, "beta1 is 1"));
  REQUIRE(refused({1, 1, Sgd{}, -1.0}, "l2 is -1"));
  REQUIRE(refused({1, 1, Sgd{}, 0, Sampling::epochs, LastBatch::keep, -1}, "steps is -1"));
  REQUIRE(refused({1, 1, Sgd{}, 0, Sampling::epochs, LastBatch::keep, 0, -1}, "hook_every is -1"));
  REQUIRE(refused({1, 11, Sgd{}, 0.0, Sampling::epochs, LastBatch::drop}, "batch_size is 11"));
  REQUIRE(refused({1, 11, Sgd{}, 0.0, Sampling::independent}, "batch_size is 11"));
}

TEST_CASE("Nothing to train is an error") {
  REQUIRE_THROWS_AS(AutogradEngine({{}, {Block(nn::ReLU())}}, {reconstruction()}, blobs_of(10), {}),
                    std::invalid_argument);
}

/// A user's block: two parameters of its own and a buffer that training moves.
struct GatedImpl : nn::Module {
  GatedImpl(int64_t in, int64_t out)
      : linear(register_module("linear", nn::Linear(in, out))),
        gate(register_parameter("gate", torch::ones({out}))),
        seen(register_buffer("seen", torch::zeros({}))) {}
  torch::Tensor forward(const torch::Tensor& x) {
    if (is_training()) seen.add_(1);
    return torch::tanh(linear(x)) * gate;
  }
  nn::Linear linear;
  torch::Tensor gate;
  torch::Tensor seen;
};
TORCH_MODULE(Gated);

TEST_CASE("Frozen parameters and buffers of any module keep their bits, trained ones move") {
  torch::manual_seed(1);
  const auto data = blobs_of(120);
  Random random(3, 0);
  const std::vector<Block> blocks{
      block(nn::Linear(2, 6), nn::BatchNorm1d(6), nn::ReLU()),
      block(nn::Linear(6, 6), nn::Dropout(0.3), nn::ReLU()),
      Block(Gated(6, 6)),
      block(nn::Linear(6, 6), nn::BatchNorm1d(6), nn::Dropout(0.2)),
  };
  GreedyNet net(blocks[0], Block(nn::Linear(6, 3)));
  FeatureCache features(data);
  for (size_t stage = 0; stage < blocks.size(); ++stage) {
    if (stage > 0) net->deepen(blocks[stage]);
    std::vector<uint64_t> before;
    for (const auto& layer : net->blocks()) before.push_back(fingerprint(*layer.ptr()));
    net->train();  // what a user may well do
    fit_stage(net->stage(), {classification()}, features, data, {2, 16, Sgd{}}, random);
    for (size_t i = 0; i < before.size(); ++i) {
      INFO("stage " << stage + 1 << ", block " << i + 1);
      REQUIRE((fingerprint(*blocks[i].ptr()) == before[i]) == (i < stage));
    }
  }
}

/// A block that breaks the rule: it moves a buffer even in evaluation mode.
struct RestlessImpl : nn::Module {
  RestlessImpl() : count(register_buffer("count", torch::zeros({}))) {}
  torch::Tensor forward(const torch::Tensor& x) {
    count.add_(1);
    return x;
  }
  torch::Tensor count;
};
TORCH_MODULE(Restless);

TEST_CASE("A frozen block that moves is an error that names it") {
  const auto data = blobs_of(20);
  Random random(1, 0);
  GreedyNet net(Block(Restless()), Block(nn::Linear(2, 3)));
  net->deepen(Block(nn::Linear(2, 2)));
  FeatureCache features(data);
  try {
    fit_stage(net->stage(), {classification()}, features, data, {1, 8, Sgd{}}, random);
    FAIL("nothing was thrown");
  } catch (const std::logic_error& error) {
    REQUIRE(std::string(error.what()).find("block 1") != std::string::npos);
  }
}

/// Counts how often it is run, but for `check_stage`, which sends two rows through.
struct CountedImpl : nn::Module {
  explicit CountedImpl(int& runs_) : runs(runs_) {}
  torch::Tensor forward(const torch::Tensor& x) {
    if (x.size(0) > 2) ++runs;
    return torch::relu(x + 1);
  }
  int& runs;
};
TORCH_MODULE(Counted);

TEST_CASE(
    "The frozen prefix is run once a stage and split, not once a batch, and not again in later "
    "stages") {
  const auto data = blobs_of(100);
  Random random(1, 0);
  int runs = 0;
  GreedyNet net(Block(Counted(runs)), output(2, 3, random.initialization));
  FeatureCache features(data);
  net->deepen(dense(2, 2, random.initialization));
  fit_stage(net->stage(), {classification()}, features, data, {5, 8, Sgd{}}, random);
  REQUIRE(runs == 2);
  net->deepen(dense(2, 2, random.initialization));
  fit_stage(net->stage(), {classification()}, features, data, {5, 8, Sgd{}}, random);
  REQUIRE(runs == 2);
}

TEST_CASE("Cached features agree with a forward through the whole network") {
  const auto data = blobs_of(3000);
  RandomState random(1);
  GreedyNet net(dense(2, 20, random), output(20, 3, random));
  FeatureCache features(data);
  REQUIRE(features.of(net->stage().frozen).data.train.inputs.is_same(data.train.inputs));
  for (int i = 0; i < 3; ++i) {
    net->deepen(dense(20, 20, random));
    const auto cached = features.of(net->stage().frozen).data.train.inputs;
    torch::NoGradGuard no_grad;
    const auto direct = chain_of(net->blocks(0, net->frozen_blocks()))->forward(data.train.inputs);
    REQUIRE((cached - direct).abs().max().item<double>() <=
            1e-5 * direct.abs().max().item<double>());
    REQUIRE_FALSE(cached.requires_grad());
  }
}

TEST_CASE("A block that was changed after it was cached is run again") {
  const auto data = blobs_of(20);
  RandomState random(1);
  GreedyNet net(dense(2, 4, random), output(4, 3, random));
  FeatureCache features(data);
  net->freeze_hidden();
  const auto before = features.of(net->stage().frozen).data.train.inputs;
  {
    torch::NoGradGuard no_grad;
    net->named_parameters()["hidden.block1.bias"].add_(1);
  }
  REQUIRE_FALSE(torch::equal(features.of(net->stage().frozen).data.train.inputs, before));
}

TEST_CASE(
    "Metrics are means over all rows, in chunks or not, and no accuracy is made up from NaN") {
  StageChain identity({{}, {Block(nn::Identity())}});
  auto logits = torch::zeros({2500, 2});
  logits.select(1, 1).slice(0, 0, 1000).fill_(1);
  const Dataset data{logits, torch::ones({2500}, torch::kInt64)};
  const auto scores = evaluate(identity, data, Target::given, classification().metrics, "test");
  REQUIRE(value_of(scores, "test", "accuracy") == 0.4);
  const double expected = 0.4 * std::log1p(std::exp(-1.0)) + 0.6 * std::log(2.0);
  REQUIRE(testing::relative_difference(value_of(scores, "test", "cross_entropy"), expected) < 1e-6);
  REQUIRE_THROWS_AS(value_of(scores, "train", "accuracy"), std::out_of_range);

  logits[2400][0] = NAN;
  REQUIRE(
      std::isnan(value_of(evaluate(identity, data, Target::given, classification().metrics, "test"),
                          "test", "accuracy")));
}

TEST_CASE("A module that works in place changes neither the data nor the features") {
  const auto data = blobs_of(40);
  Random random(1, 0);
  const auto in_place = [] { return Block(nn::ReLU(nn::ReLUOptions().inplace(true))); };
  GreedyNet net(in_place(), Block(nn::Linear(2, 3)));
  const auto inputs = data.train.inputs.clone();
  FeatureCache features(data);
  fit_stage(net->stage(), {classification()}, features, data, {2, 8, Sgd{}}, random);
  REQUIRE(torch::equal(data.train.inputs, inputs));
  net->deepen(block(nn::Linear(2, 2)));
  fit_stage(net->stage(), {classification()}, features, data, {2, 8, Sgd{}}, random);
  REQUIRE(torch::equal(data.train.inputs, inputs));
}

void check_a_stage_on(torch::Device other) {
  std::vector<double> losses;
  for (const auto& device : {torch::Device(torch::kCPU), other}) {
    const auto data = blobs_of(200).to(device);
    Random random(1, 0);
    GreedyNet net{dense(2, 10, random.initialization), output(10, 3, random.initialization)};
    net->to(device);
    FeatureCache features(data);
    const auto result =
        fit_stage(net->stage(), {classification()}, features, data, {5, 32, Sgd{}}, random);
    losses.push_back(value_of(result.scores, "train", "cross_entropy"));
  }
  REQUIRE(testing::relative_difference(losses[1], losses[0]) < 1e-5);
}

TEST_CASE("A stage on another device agrees with the CPU") {
  check_a_stage_on(testing::fake_device());
}

TEST_CASE(
    "An epoch on another device waits for it once, and uploads once, however many its steps, with "
    "a schedule too") {
  const auto device = testing::fake_device();
  constexpr int64_t images = 600;
  const Dataset train{torch::rand({images, 784}).to(device), {}};
  std::vector<int64_t> order(images);
  std::iota(order.begin(), order.end(), 0);
  for (const int64_t batch_size : {300, 10}) {
    RandomState random(1);
    GreedyNet net{dense(784, 5, random), output(5, 784, random)};
    net->to(device);
    const auto engine = make_engine(net->stage(), {reconstruction(), Target::features}, {train, {}},
                                    {.epochs = 1, .batch_size = batch_size});
    std::vector<double> factors;
    for (int64_t i = 1; i <= images / batch_size; ++i)
      factors.push_back(1 / static_cast<double>(i));
    engine->scale_learning_rate(factors);
    const auto before = testing::fake_device_use();
    engine->run(order);
    const auto after = testing::fake_device_use();
    INFO("batches of " << batch_size);
    CHECK(after.waits - before.waits == 1);
    CHECK(after.uploads - before.uploads == 1);
  }
}

TEST_CASE("A look at a split on another device waits for it once, however much is measured") {
  const auto device = testing::fake_device();
  const auto data = blobs_of(200).to(device);
  RandomState random(1);
  GreedyNet net{dense(2, 10, random), output(10, 3, random)};
  net->to(device);
  const auto engine =
      make_engine(net->stage(), {classification()}, data, {.epochs = 1, .batch_size = 32});
  std::vector<int64_t> order(static_cast<size_t>(data.train.size()));
  std::iota(order.begin(), order.end(), 0);
  std::vector<int64_t> allocations;
  for (int epoch = 0; epoch < 3; ++epoch) {
    const auto before = testing::fake_device_use();
    engine->run(order);
    allocations.push_back(testing::fake_device_use().allocations - before.allocations);
  }
  CHECK(allocations[2] == allocations[1]);
  const auto waits = [&](const auto& look) {
    const auto before = testing::fake_device_use();
    REQUIRE(look().size() == 2);
    return testing::fake_device_use().waits - before.waits;
  };
  CHECK(waits([&] { return engine->evaluate("test"); }) == 1);
  CHECK(waits([&] { return engine->evaluate_last_batch(); }) == 1);
}

TEST_CASE("A stage on CUDA agrees with the CPU", "[cuda]") {
  if (const auto device = testing::cuda()) check_a_stage_on(*device);
}

}  // namespace
}  // namespace layerwise
