#include "layerwise/pretraining/supervised_deepening.h"

#include <algorithm>
#include <memory>
#include <stdexcept>

#include <fmt/format.h>

namespace layerwise {

namespace {

std::shared_ptr<torch::nn::Module> newest_block(const GreedyNet& net) {
  return net->blocks().back().ptr();
}

}  // namespace

Plan plan_of(const SupervisedDeepeningOptions& options, const Split& data) {
  const auto scores = scores_of(names_of(data), {"accuracy", "cross_entropy"});
  Plan plan;
  for (int64_t layers = 2; layers <= options.layers; ++layers)
    plan.emplace_back(StageInfo{layers - 1, layers, "", Task::classification}, options.fit.epochs,
                      scores);
  if (options.fine_tuning) {
    plan.emplace_back(StageInfo{options.layers, options.layers, "fine_tuned", Task::classification},
                      options.fine_tuning->epochs, scores);
  }
  if (options.code_statistics && data.train.size() > 1)
    std::for_each(plan.begin(), plan.end(), add_code_scores);
  return plan;
}

void deepen_supervised(GreedyNet& net, const Split& data, const SupervisedDeepeningOptions& options,
                       const BlockFactory& next_block, Random& random, const Observer& observer,
                       int64_t done) {
  if (options.layers < net->layers()) {
    throw std::invalid_argument(
        fmt::format("deepen_supervised: {} layers asked for, the network has {}", options.layers,
                    net->layers()));
  }
  StageRunner runner(net, data, observer, options.code_statistics);
  int64_t stage = done;
  const auto fit = [&](const char* variant, const FitOptions& fit_options) {
    ++stage;
    const StageInfo info{stage, net->layers(), variant, Task::classification};
    return !runner.fit(info, data, classification(), fit_options, random).diverged();
  };

  const auto fit_newest = [&] {
    const Snapshot initial(*newest_block(net));
    if (!fit("", options.fit)) return false;
    if (options.earlier_blocks == EarlierBlocks::random && net->layers() < options.layers)
      initial.restore();
    runner.checkpoint(stage, random);
    return true;
  };
  bool finite = done > 0 || fit_newest();
  while (finite && net->layers() < options.layers) {
    net->deepen(make_block(next_block, stage + 1, random));
    if (options.earlier_blocks == EarlierBlocks::trained) net->unfreeze();
    if (options.next_head) net->exchange_head(make_block(options.next_head, stage + 1, random));
    finite = fit_newest();
  }

  if (finite && options.fine_tuning) {
    const Snapshot untouched(*net);
    net->unfreeze();
    fit("fine_tuned", options.fine_tuning->applied_to(options.fit));
    untouched.restore();
  }
}

}  // namespace layerwise
