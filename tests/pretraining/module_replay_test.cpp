#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "layerwise/layerwise.h"

#include "testing.h"

/// Greedy training of blocks that are not dense, against module_replays.json, which
/// replay_modules.py computes in PyTorch from the same seeds.
namespace layerwise {
namespace {

using nlohmann::json;

/// One run of the replays.
struct ModuleRun {
  const json& o;
  torch::ScalarType type;
  Split data = make_data();
  Random random{o["seed"].get<uint32_t>(), o["repeat"].get<uint32_t>()};

  int64_t width(int64_t stage) const { return o["widths"][static_cast<size_t>(stage - 1)]; }

  Block block(int64_t stage, RandomState& draw) const {
    const int64_t inputs = stage > 1 ? width(stage - 1) : o["channels"].get<int64_t>();
    if (o["residual"] && inputs == width(stage)) return typed(make_residual(inputs, draw));
    return typed(
        make_convolution({.in_channels = inputs,
                          .out_channels = width(stage),
                          .batch_norm = o["batch_norm"],
                          .space_to_depth = o["space_to_depth"][static_cast<size_t>(stage - 1)]},
                         draw));
  }
  Block head(int64_t stage, RandomState& draw) const {
    return typed(make_pooled_head({.channels = width(stage),
                                   .classes = o["centers"],
                                   .convolutions = o["head_convolutions"],
                                   .batch_norm = o["batch_norm"]},
                                  draw));
  }

  SupervisedDeepeningOptions deepening() const {
    auto optimizer = optimizer_named(o["optimizer"]);
    set_learning_rate(optimizer, o["learning_rate"]);
    auto schedule = schedule_named(o["schedule"]);
    schedule.over_all_stages = o["over_all_stages"];
    return {.layers = static_cast<int64_t>(o["widths"].size()) + 1,
            .fit = {.epochs = o["epochs"],
                    .batch_size = o["batch_size"],
                    .optimizer = optimizer,
                    .hook_every = 1,
                    .schedule = schedule},
            .head = head_policy_named(o["head"])};
  }

 private:
  template <typename Module>
  Block typed(Module module) const {
    module->to(type);
    return Block(module);
  }

  Split make_data() const {
    BlobsOptions blobs;
    const int64_t samples = o["samples"];
    blobs.samples = samples;
    blobs.centers = o["centers"].get<int64_t>();
    const int64_t channels = o["channels"];
    const int64_t size = o["size"];
    blobs.features = channels * size * size;
    blobs.cluster_std = {o["cluster_std"].get<double>()};
    blobs.random_state = o["random_state"];
    auto points = to_dataset(make_blobs(blobs));
    points.inputs = points.inputs.to(type).view({-1, channels, size, size});
    return split(points, samples / 2);
  }
};

/// The loss of each step and, last, that of the test rows, of each stage.
std::vector<std::vector<double>> module_losses(const json& options, torch::ScalarType type) {
  ModuleRun experiment{options, type};
  auto deepening = experiment.deepening();
  const auto next = [&](int64_t stage, RandomState& draw) { return experiment.block(stage, draw); };
  if (deepening.head != HeadPolicy::kept) {
    deepening.next_head = [&](int64_t stage, RandomState& draw) {
      return experiment.head(stage, draw);
    };
  }
  auto& draw = experiment.random.initialization;
  const auto first = experiment.block(1, draw);
  GreedyNet net(first, experiment.head(1, draw));
  std::vector<std::vector<double>> losses(options["widths"].size());
  Observer observer;
  observer.on_progress = [&](const StageInfo& info, const FitView& view) {
    if (view.step > 0) losses[static_cast<size_t>(info.stage - 1)].push_back(view.loss);
    return Next::go_on;
  };
  observer.on_stage = [&](const StageReport& report) {
    losses[static_cast<size_t>(report.info.stage - 1)].push_back(
        value_of(report.result.scores, "test", "cross_entropy"));
  };
  deepen_supervised(net, experiment.data, deepening, next, experiment.random, observer);
  return losses;
}

TEST_CASE("Convolutions, heads, optimizers and schedules follow PyTorch's replay, step by step") {
  for (const auto& replay : testing::reference("module_replays.json")) {
    const auto exact = module_losses(replay["options"], torch::kFloat64);
    const auto ours = module_losses(replay["options"], torch::kFloat32);
    REQUIRE(exact.size() == replay["stages"].size());
    for (size_t stage = 0; stage < exact.size(); ++stage) {
      auto expected = replay["stages"][stage]["losses"].get<std::vector<double>>();
      expected.push_back(replay["stages"][stage]["test_cross_entropy"]);
      REQUIRE(exact[stage].size() == expected.size());
      for (size_t step = 0; step < expected.size(); ++step) {
        INFO(replay["options"].dump() << " stage " << stage + 1 << " step " << step + 1);
        REQUIRE(std::abs(exact[stage][step] - expected[step]) < 1e-9 * expected[step]);
        if (step < 20)
          REQUIRE(std::abs(ours[stage][step] - expected[step]) < 1e-5 * expected[step]);
      }
    }
  }
}

}  // namespace
}  // namespace layerwise
