#include <algorithm>
#include <array>
#include <map>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <torch/nn/modules/activation.h>
#include <torch/nn/modules/batchnorm.h>
#include <torch/nn/modules/linear.h>

#include "layerwise/layerwise.h"

#include "fake_device.h"
#include "testing.h"

namespace layerwise {
namespace {

namespace nn = torch::nn;

Split random_images(int64_t rows = 60, int64_t pixels = 12) {
  RandomState random(3);
  auto values = torch::empty({rows, pixels});
  for (int64_t i = 0; i < values.numel(); ++i)
    values.data_ptr<float>()[i] = static_cast<float>(random.random_sample());
  Dataset all{values, {}};
  return {{values.slice(0, 0, rows - 20), {}},
          {values.slice(0, rows - 20, rows - 10), {}},
          {values.slice(0, rows - 10, rows), {}}};
}

FitOptions small_fit(int64_t epochs = 2) {
  FitOptions fit{epochs, 8, Adam{0.01}};
  fit.l2 = 1e-4;
  return fit;
}

DenseAutoencoder small_network(bool tied = false) {
  DenseAutoencoder network;
  network.units = {12, 7, 5, 3};
  network.tied = tied;
  return network;
}

std::map<std::string, torch::Tensor> values_by_name(const StackedAutoencoder& net) {
  std::map<std::string, torch::Tensor> values;
  for (const auto& item : net->named_parameters())
    values[item.key()] = item.value().detach().clone();
  return values;
}

TEST_CASE("Each phase moves its own two layers and no bit of another") {
  for (const bool tied : {false, true}) {
    Random random(1, 0);
    auto net = small_network(tied).make(random.initialization);
    auto before = values_by_name(net);
    Observer observer;
    observer.on_stage = [&](const StageReport& report) {
      if (report.info.variant == "whole") return;
      const auto k = report.info.stage;
      const auto now = values_by_name(net);
      for (const auto& [name, value] : now) {
        const bool own = name.find(fmt::format("encoder.block{}.", k)) == 0 ||
                         name.find(fmt::format("decoder.block{}.", 4 - k)) == 0;
        INFO("phase " << k << ", " << name);
        REQUIRE(torch::equal(value, before.at(name)) != own);
      }
      before = now;
    };
    StackedAutoencoderOptions training;
    training.phases = {small_fit()};
    train_stacked_autoencoder(net, random_images(), training, random, observer);
    REQUIRE(net->named_parameters().size() == (tied ? 9U : 12U));
  }
}

std::vector<double> losses_of(CachePlace place) {
  Random random(1, 0);
  auto net = small_network().make(random.initialization);
  std::vector<double> losses;
  Observer observer;
  observer.on_progress = [&](const StageInfo&, const FitView& view) {
    if (view.epoch > 0) losses.push_back(view.loss);
    return Next::go_on;
  };
  StackedAutoencoderOptions training;
  training.phases = {small_fit(3)};
  training.phases[0].engine.cache.place = place;
  training.corruption = masking_noise(0.2);
  train_stacked_autoencoder(net, random_images(1000), training, random, observer);
  return losses;
}

TEST_CASE("Codes computed once or for every batch give the same, to float32 rounding") {
  const auto cached = losses_of(CachePlace::memory);
  const auto uncached = losses_of(CachePlace::none);
  REQUIRE(cached.size() == 9);
  for (size_t i = 0; i < cached.size(); ++i)
    REQUIRE(testing::relative_difference(cached[i], uncached[i]) < 1e-5);
}

TEST_CASE("A training that goes on after a stage ends with the same bits") {
  const auto data = random_images();
  StackedAutoencoderOptions plain;
  plain.phases = {small_fit(), small_fit(3), small_fit(1)};
  plain.phases[1].sampling = Sampling::independent;
  plain.shared_adam_counter = true;
  plain.fine_tuning = small_fit(2);
  auto counted = plain;  // stages that take so many steps, and not whole epochs
  for (auto& phase : counted.phases) phase.steps = 7;
  auto stopping = plain;  // and such as end early, nobody knows when
  for (auto& phase : stopping.phases) {
    phase.epochs = 100;
    phase.hook_every = 1;
    phase.early_stopping = EarlyStopping{.metric = "mse", .mode = Mode::max, .patience = 3};
  }
  int64_t longest = 0;
  for (int64_t run = 0; run < 12; ++run) {
    const auto& training = *std::array{&plain, &counted, &stopping}[static_cast<size_t>(run / 4)];
    AutoencoderProgress done{run % 4 + 1, 0};
    std::string streams;
    Random random(1, 0);
    auto net = small_network().make(random.initialization);
    auto copy = net;
    Random other(1, 0);
    copy = small_network().make(other.initialization);
    Observer observer;
    observer.on_stage = [&](const StageReport& report) {
      if (report.info.variant == "whole") return;
      longest = std::max(longest, report.result.fit.steps);
      if (report.info.stage <= done.stages) done.steps += report.result.fit.steps;
      if (report.info.stage != done.stages) return;
      streams = random.to_text();
      torch::NoGradGuard no_grad;
      for (auto& item : copy->named_parameters())
        item.value().detach().copy_(net->named_parameters()[item.key()]);
    };
    train_stacked_autoencoder(net, data, training, random, observer);
    INFO("variant " << run / 4 << ", stages done " << done.stages);
    other.restore(streams);
    train_stacked_autoencoder(copy, data, training, other, {}, done);
    REQUIRE(fingerprint(*copy) == fingerprint(*net));
    REQUIRE(other.to_text() == random.to_text());
  }
  REQUIRE(longest < 30);  // some did end early
}

TEST_CASE("Skipped stages draw what trained ones draw") {
  StackedAutoencoderOptions training;
  training.phases = {small_fit(), small_fit(3), small_fit(1)};
  training.phases[1].sampling = Sampling::independent;
  training.phases[2].steps = 7;
  Random trained(1, 0);
  auto net = small_network().make(trained.initialization);
  Random skipped = trained;
  const auto data = random_images();
  train_stacked_autoencoder(net, data, training, trained);
  skip_stages(training, 3, data.train.size(), 3, skipped);
  REQUIRE(skipped.to_text() == trained.to_text());
  training.phases[1].early_stopping = EarlyStopping{.metric = "mse", .patience = 3};
  REQUIRE_THROWS_AS(skip_stages(training, 3, data.train.size(), 3, skipped), std::invalid_argument);
}

TEST_CASE("An autoencoder is made of any modules, and its phases reconstruct what they are given") {
  torch::manual_seed(1);
  const auto up = [](int64_t in, int64_t out) {
    return block(nn::Linear(in, out), nn::BatchNorm1d(out), nn::Tanh());
  };
  StackedAutoencoder net(std::vector<Block>{up(12, 8), up(8, 4)},
                         std::vector<Block>{up(4, 8), Block(nn::Linear(8, 12))});
  std::vector<StageReport> reports;
  Observer observer;
  observer.on_stage = [&](const StageReport& report) { reports.push_back(report); };
  StackedAutoencoderOptions training;
  training.phases = {small_fit(20)};
  Random random(1, 0);
  const auto data = random_images();
  train_stacked_autoencoder(net, data, training, random, observer);
  REQUIRE(reports.size() == 3);
  torch::NoGradGuard no_grad;
  net->eval();
  const auto whole = (net->forward(data.test.inputs) - data.test.inputs).pow(2).mean();
  REQUIRE(testing::relative_difference(value_of(reports[2].result.scores, "test", "mse"),
                                       whole.item<double>()) < 1e-5);
  const auto codes = net->encoder->ptr(0)->as<SequentialBlockImpl>()->forward(data.test.inputs);
  const auto again = net->decoder->ptr(0)->as<SequentialBlockImpl>()->forward(
      net->encoder->ptr(1)->as<SequentialBlockImpl>()->forward(codes));
  REQUIRE(testing::relative_difference(value_of(reports[1].result.scores, "test", "mse"),
                                       (again - codes).pow(2).mean().item<double>()) < 1e-5);
}

TEST_CASE("A phase that diverges is the last") {
  Random random(1, 0);
  auto net = small_network().make(random.initialization);
  std::vector<StageReport> reports;
  Observer observer;
  observer.on_stage = [&](const StageReport& report) { reports.push_back(report); };
  StackedAutoencoderOptions training;
  training.phases = {FitOptions{50, 8, Sgd{1e6, 0.9}}};
  train_stacked_autoencoder(net, random_images(), training, random, observer);
  REQUIRE(reports.size() == 1);
  REQUIRE(reports[0].result.diverged());
}

TEST_CASE("Networks and plans that make no sense are refused") {
  RandomState random(1);
  DenseAutoencoder network;
  network.units = {5};
  REQUIRE_THROWS_AS(network.make(random), std::invalid_argument);
  network.units = {5, 0};
  REQUIRE_THROWS_AS(network.make(random), std::invalid_argument);
  REQUIRE_THROWS_AS(
      StackedAutoencoder(std::vector<Block>{Block(nn::Linear(2, 1))}, std::vector<Block>{}),
      std::invalid_argument);
  auto net = small_network().make(random);
  REQUIRE_THROWS_AS(net->phase(4), std::invalid_argument);
  StackedAutoencoderOptions training;
  training.phases = {small_fit(), small_fit()};
  Random streams(1, 0);
  REQUIRE_THROWS_AS(train_stacked_autoencoder(net, random_images(), training, streams),
                    std::invalid_argument);
}

void check_a_stacked_autoencoder_on(torch::Device other) {
  std::vector<double> losses;
  for (const auto& device : {torch::Device(torch::kCPU), other}) {
    Random random(1, 0);
    auto net = small_network(true).make(random.initialization);
    net->to(device);
    Observer observer;
    observer.on_stage = [&](const StageReport& report) {
      if (report.info.variant == "whole")
        losses.push_back(value_of(report.result.scores, "test", "mse"));
    };
    StackedAutoencoderOptions training;
    training.phases = {small_fit()};
    training.corruption = gaussian_noise(0.3);
    train_stacked_autoencoder(net, random_images().to(device), training, random, observer);
  }
  REQUIRE(testing::relative_difference(losses[1], losses[0]) < 1e-4);
}

TEST_CASE("A stacked autoencoder on another device agrees with the CPU") {
  check_a_stacked_autoencoder_on(testing::fake_device());
}

TEST_CASE("A stacked autoencoder on CUDA agrees with the CPU", "[cuda]") {
  if (const auto device = testing::cuda()) check_a_stacked_autoencoder_on(*device);
}

}  // namespace
}  // namespace layerwise
