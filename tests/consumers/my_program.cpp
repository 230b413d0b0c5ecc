// A program outside the tree: deepens blocks of its own, and one of the library's kernels computes.
#include <cmath>
#include <cstdio>

#include <torch/nn.h>

#include "layerwise/layerwise.h"
#ifdef WITH_STUDY
#include "layerwise/study/study.h"
#endif

namespace nn = torch::nn;

int main() {
  layerwise::Random random(/*seed=*/1, /*repeat=*/0);
  const auto data = layerwise::split(layerwise::to_dataset(layerwise::make_blobs({})), 50);
  double accuracy = NAN;
  layerwise::Observer observer;
  observer.on_stage = [&](const layerwise::StageReport& report) {
    accuracy = layerwise::value_of(report.result.scores, "train", "accuracy");
    std::printf("%d layers, engine %s: %.3f\n", static_cast<int>(report.info.layers),
                report.result.engine.name.c_str(), accuracy);
  };
  layerwise::SupervisedDeepeningOptions options{.layers = 3, .fit = {.epochs = 20}};
  for (const bool own : {false, true}) {
    const auto hidden = [&](int64_t inputs) {
      return own ? layerwise::block(nn::Linear(inputs, 8), nn::ELU())
                 : layerwise::dense(inputs, 8, random.initialization);
    };
    layerwise::GreedyNet net(hidden(2), layerwise::output(8, 3, random.initialization));
    layerwise::deepen_supervised(
        net, data, options, [&](auto&) { return hidden(8); }, random, observer);
    if (!(accuracy > 0.5)) return 1;
  }
#ifdef WITH_STUDY
  layerwise::study::Settings settings;
  settings.repeats = 2;
  settings.out = "study";
  settings.force = true;
  const layerwise::study::Study study(
      "A study of this program's", data, plan_of(options, data),
      [&](layerwise::study::Repeat& repeat) {
        const layerwise::BlockFactory hidden = [](layerwise::RandomState& draw) {
          return layerwise::dense(8, 8, draw);
        };
        layerwise::GreedyNet net(layerwise::dense(2, 8, repeat.random.initialization),
                                 layerwise::output(8, 3, repeat.random.initialization));
        layerwise::deepen_supervised(net, repeat.data, options, hidden, repeat.random,
                                     repeat.observer, repeat.go_on_with(net, hidden));
      });
  layerwise::study::run_study(study, settings, {"my_program", "my_program", {}});
#endif
  return 0;
}
