/// A study of your own: residual blocks with batch normalization and dropout, deepened on your own
/// table. It has every option, file and figure that the programs here have.
///
///     own_study --data my_data.csv --repeats 20
#include <torch/nn.h>

#include "layerwise/layerwise.h"
#include "layerwise/study/study.h"

#include "common/program.h"

using namespace layerwise;
namespace nn = torch::nn;

struct ResidualImpl : nn::Module {  // x + f(x)
  explicit ResidualImpl(int64_t units)
      : f(register_module("f", nn::Sequential(nn::Linear(units, units), nn::BatchNorm1d(units),
                                              nn::ReLU(), nn::Dropout(0.1)))) {}
  torch::Tensor forward(const torch::Tensor& x) { return x + f->forward(x); }
  nn::Sequential f;
};
TORCH_MODULE(Residual);

int main(int argc, char** argv) {
  std::string file = "my_data.csv";
  std::string label = "y";
  const auto options = [&](CLI::App& app) {
    apps::add_path(app, "--data", file, "A CSV file, its first line with names", "FILE");
    apps::add_text(app, "--label", label, "The column to predict", "NAME");
  };
  const auto make_study = [&](const study::Settings& settings) {
    const auto table = read_csv(file, {.label = label});
    RandomState order(1);
    const auto data = split(table.data, {.test = 0.25}, /*stratified=*/true, order);
    const auto features = data.train.inputs.size(1);
    const auto classes = static_cast<int64_t>(table.classes.size());
    const SupervisedDeepeningOptions deepening{.layers = 5,
                                               .fit = {.epochs = 20,
                                                       .optimizer = Adam{},
                                                       .last_batch = LastBatch::drop,
                                                       .engine = settings.engine},
                                               .code_statistics = true};

    const BlockFactory first = [=](auto&) { return block(nn::Linear(features, 16), nn::ReLU()); };
    const BlockFactory next = [](auto&) { return block(Residual(16)); };
    return study::Study(
        "Residual blocks, deepened", data, plan_of(deepening, data), [=](study::Repeat& repeat) {
          auto& random = repeat.random;
          GreedyNet net(make_block(first, 1, random), output(16, classes, random.initialization));
          const auto done = repeat.go_on_with(net, next);
          deepen_supervised(net, repeat.data, deepening, next, random, repeat.observer, done);
        });
  };
  return apps::run_program(
      argc, argv, {"own_study", "Deepens residual blocks on a table.", options, make_study});
}
