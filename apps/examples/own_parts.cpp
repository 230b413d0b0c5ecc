/// What can be brought along beside blocks: a head, an optimizer, a schedule, an initializer, an
/// objective, an augmentation, a corruption and a data set of your own, each in a few lines.
#include <cmath>
#include <cstdio>
#include <exception>
#include <memory>

#include <torch/nn/init.h>
#include <torch/optim/adagrad.h>
#include <torch/utils.h>

#include "layerwise/layerwise.h"

using namespace layerwise;

// A data set: two tensors.
Dataset spirals(int64_t rows) {
  const auto turn = torch::linspace(0, 1, rows).unsqueeze(1);
  const auto label = torch::arange(rows).remainder(2);
  const auto angle = 6 * turn + M_PI * label.unsqueeze(1);
  return {torch::cat({turn * torch::sin(angle), turn * torch::cos(angle)}, 1), label};
}

// Or a table with a column of class names, or a folder of images for each class.
Dataset data_of(const std::string& path) {
  if (path.ends_with(".csv")) return read_csv(path, {.label = "class"}).data;
  const auto images = read_image_folder(path, {.channels = 1, .height = 28, .width = 28}).data;
  return {values_of(images.inputs).flatten(1), images.targets};
}

// An initializer: fills a weight; draws, if any, come from the stream.
void orthogonal(torch::Tensor weight, RandomState& random) {
  he_uniform_(weight, random);
  torch::NoGradGuard no_grad;
  const bool wide = weight.size(0) < weight.size(1);
  const auto q = std::get<0>(torch::linalg_qr(wide ? weight.t() : weight));
  weight.copy_(wide ? q.t() : q);
}

// A head of two layers: a block like any other.
Block two_layer_head(int64_t inputs, int64_t classes, RandomState& draw) {
  auto hidden = make_dense({inputs, 8, Activation::tanh}, glorot_uniform_, draw);
  return block(hidden, make_dense({8, classes, Activation::linear}, glorot_uniform_, draw));
}

// An optimizer: any of LibTorch's, made anew for each stage.
OwnOptimizer adagrad() {
  return {.learning_rate = 0.05, .make = [](auto parameters, double learning_rate) {
            return std::make_unique<torch::optim::Adagrad>(
                std::move(parameters), torch::optim::AdagradOptions(learning_rate));
          }};
}

// A schedule: the factor of the learning rate at each step.
Schedule inverse_root() {
  return {.name = "inverse root", .factor = [](const ScheduleTime& time) {
            return 1 / std::sqrt(1.0 + static_cast<double>(time.epoch()));
          }};
}

// An objective: a sum of terms, each the mean over the rows.
Objective confident(double weight) {
  auto objective = classification();
  objective.terms.push_back({{"entropy",
                              [](const Pass& pass) {
                                const auto logs = torch::log_softmax(pass.output, 1);
                                return -(logs.exp() * logs).sum(1).mean();
                              }},
                             weight});
  return objective;
}

// An augmentation: a function of the inputs of a training batch, with counted random numbers.
Augmentation scaled() {
  return {[](const torch::Tensor& inputs, const NoisePlace& place) {
    const auto u = uniform_noise(place, 1, inputs.device()).to(inputs.scalar_type());
    return inputs * (0.95 + 0.1 * u);
  }};
}

// A corruption: a function of the clean inputs, likewise.
Corruption speckle(double share) {
  return {.apply = [=](const torch::Tensor& clean, const NoisePlace& place) {
    const auto u = uniform_noise(place, clean.size(1), clean.device()).to(clean.scalar_type());
    return Corrupted{clean * (1 + share * (2 * u - 1)), torch::ones_like(clean, torch::kBool)};
  }};
}

int main(int argc, char** argv) try {
  Random random(/*seed=*/1, /*repeat=*/0);
  const auto all = argc > 1 ? data_of(argv[1]) : spirals(400);
  const auto data = split(all, {.test = 0.25}, /*stratified=*/true, random.order);
  const auto classes = all.targets.max().item<int64_t>() + 1;
  const auto hidden = [](int64_t inputs, RandomState& draw) {
    return Block(make_dense({inputs, 16, Activation::relu}, orthogonal, draw));
  };
  const auto first = hidden(all.inputs.size(1), random.initialization);
  GreedyNet net(first, two_layer_head(16, classes, random.initialization));
  const SupervisedDeepeningOptions options{
      .layers = 4,
      .fit = {.epochs = 60, .optimizer = adagrad(), .schedule = inverse_root()},
      .head = HeadPolicy::fresh,
      .next_head = [=](RandomState& draw) { return two_layer_head(16, classes, draw); }};
  Observer observer;
  observer.on_stage = [](const StageReport& report) {
    std::printf("%d blocks: test accuracy %.3f\n", static_cast<int>(report.info.stage),
                value_of(report.result.scores, "test", "accuracy"));
  };
  const auto next = [&](RandomState& draw) { return hidden(16, draw); };
  deepen_supervised(net, data, options, next, random, observer);

  // One more stage by hand: the head alone, with the objective, the corruption, the augmentation.
  net->freeze_hidden();
  FeatureCache features(data);
  const Problem problem{confident(0.1), Target::given, speckle(0.2),
                        random.noise,   /*stage=*/4,   scaled()};
  const auto result = fit_stage(net->stage(), problem, features, data, options.fit, random);
  std::printf("the head again: test accuracy %.3f\n", value_of(result.scores, "test", "accuracy"));
} catch (const std::exception& error) {
  std::fprintf(stderr, "error: %s\nhint: %s\n", error.what(),
               "own_parts [DATA]: a CSV file with a column `class`, or a folder with one of images "
               "for each class");
  return 1;
}
