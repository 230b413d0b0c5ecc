// A program outside the tree: deepens blocks of its own, and one of the library's kernels computes.
#include <cmath>
#include <cstdio>
#include <string>

#include <torch/nn.h>

#include "layerwise/layerwise.h"
#ifdef WITH_REPORT
#include "layerwise/report/table.h"
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
                 : layerwise::dense(inputs, 8, random.initialisation);
    };
    layerwise::GreedyNet net(hidden(2), layerwise::output(8, 3, random.initialisation));
    layerwise::deepen_supervised(
        net, data, options, [&](auto&) { return hidden(8); }, random, observer);
    if (!(accuracy > 0.5)) return 1;
  }
#ifdef WITH_REPORT
  const layerwise::report::Table table{{"layers", "accuracy"}, {{"3", std::to_string(accuracy)}}};
  std::fputs(table.to_text().c_str(), stdout);
#endif
  return 0;
}
