#include "layerwise/pretraining/supervised_deepening.h"

#include <stdexcept>

#include <fmt/format.h>

namespace layerwise {

void deepen_supervised(GreedyNet& net, const Split& data, const SupervisedDeepeningOptions& options,
                       const BlockFactory& next_block, Random& random, const Observer& observer) {
  if (options.layers < net->layers()) {
    throw std::invalid_argument(
        fmt::format("deepen_supervised: {} layers asked for, the network has {}", options.layers,
                    net->layers()));
  }
  StageRunner runner(net, data, observer);
  const auto fit = [&](const StageInfo& info, const FitOptions& fit_options) {
    return !runner.fit(info, data, classification(), fit_options, random).diverged();
  };

  StageInfo info{1, net->layers(), "", "classification"};
  bool finite = fit(info, options.fit);
  while (finite && net->layers() < options.layers) {
    net->deepen(make_block(next_block, info.stage + 1, random));
    info = {info.stage + 1, net->layers(), "", "classification"};
    finite = fit(info, options.fit);
  }

  if (finite && options.fine_tuning) {
    const Snapshot untouched(*net);
    net->unfreeze();
    fit({info.stage + 1, net->layers(), "fine_tuned", "classification"},
        options.fine_tuning->applied_to(options.fit));
    untouched.restore();
  }
}

}  // namespace layerwise
