#include "layerwise/pretraining/trainee.h"

#include <vector>

namespace layerwise {

FitOptions FineTuning::applied_to(FitOptions options) const {
  options.epochs = epochs;
  options.optimizer.learning_rate = learning_rate;
  return options;
}

Trainee::Trainee(GreedyNet& net_, const torch::Tensor& train_inputs, const torch::Tensor& test_inputs,
                 const Observer& observer)
    : net(net_), features_(train_inputs, test_inputs), observer_(observer) {}

StageResult Trainee::fit(const StageInfo& info, const Split& data, const Objective& objective,
                         const FitOptions& options, RandomState& order) {
  std::vector<Hook> hooks;
  if (observer_.on_epoch) {
    hooks.emplace_back([&](const FitView& view) { return observer_.on_epoch(info, view); });
  }
  return fit_stage(net, features_, data, objective, options, order, hooks);
}

CodeStatistics Trainee::freeze_and_inspect() {
  net->freeze_hidden();
  return code_statistics(features_.of(net).train);
}

void Trainee::report(const StageReport& report) const {
  if (observer_.on_stage) observer_.on_stage(report);
}

}  // namespace layerwise
