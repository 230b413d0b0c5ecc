#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "layerwise/layerwise.h"

#include "testing.h"

namespace layerwise::testing {

/// How far float32 may lie from float64 is not the same for every run: a loss that swings enlarges
/// rounding from step to step, a calm one does not, and where a sum lies next to the kink of a
/// ReLU, rounding decides whether a sample counts. So it is measured: the same run in float64, its
/// first weights moved at random by up to so many of float32's roundings, a run in float32 rounding
/// in every step and not once; and the largest difference that this makes, over so many such runs.
constexpr double roundings = 20;
constexpr uint32_t moved_runs = 16;
constexpr double moved_by = roundings * std::numeric_limits<float>::epsilon() / 2;

/// Moves every weight of a float64 block.
inline void move_weights(const Block& block, RandomState& random) {
  torch::NoGradGuard no_grad;
  for (auto& parameter : block.ptr()->parameters()) {
    for (int64_t i = 0; i < parameter.numel(); ++i)
      parameter.data_ptr<double>()[i] *= 1 + random.uniform(-moved_by, moved_by);
  }
}

/// The difference of a loss as a share of it; of losses near 0, which float32 computes as
/// differences of larger numbers, as a share of .01.
inline double loss_difference(double a, double b) {
  if (!std::isfinite(a) || !std::isfinite(b)) return std::numeric_limits<double>::infinity();
  return std::abs(a - b) / std::max(std::abs(b), 1e-2);
}

/// The difference that is allowed, where the moved runs come to this one: twice that, since a
/// sample that counts or not makes about the same difference in all of them.
inline double allowed_difference(double largest_of_moved) {
  return 2 * std::max(largest_of_moved, moved_by);
}

inline Dataset in_float64(const Dataset& data) {
  const bool labels = data.targets.scalar_type() == torch::kInt64;
  return {data.inputs.to(torch::kFloat64),
          labels ? data.targets : data.targets.to(torch::kFloat64)};
}

/// One run of tests/reference/replays.json, its options as the programs name them.
struct Experiment {
  nlohmann::json options;
  Split data;
  int64_t units;
  int64_t features;
  int64_t centers;
  int64_t layers;
  FitOptions fit;
  Random random;
  torch::ScalarType type = torch::kFloat32;
  RandomState* moving = nullptr;  ///< if set, the weights of new blocks are moved

  explicit Experiment(const nlohmann::json& given)
      : options(given),
        data(make_data(given)),
        units(given["units"]),
        features(given["features"]),
        centers(given["centers"]),
        layers(given["layers"]),
        fit{given["epochs"], given["batch_size"], Sgd{given["learning_rate"], given["momentum"]}},
        random(given["seed"].get<uint32_t>(), given["repeat"].get<uint32_t>()) {}

  /// To be computed in float64 from now on.
  void use_float64() {
    type = torch::kFloat64;
    fit.engine.kind = EngineKind::autograd;
    data = {layerwise::testing::in_float64(data.train), layerwise::testing::in_float64(data.test)};
  }

  GreedyNet net(int64_t outputs) {
    Block first = typed(dense(features, units, random.initialisation));
    Block head = typed(output(units, outputs, random.initialisation));
    return GreedyNet(first, head);
  }
  BlockFactory next_block() const {
    return [this](RandomState& draw) { return typed(dense(units, units, draw)); };
  }
  BlockFactory classifier() const {
    return [this](RandomState& draw) { return typed(output(units, centers, draw)); };
  }

 private:
  Block typed(Block block) const {
    block.ptr()->to(type);
    if (moving != nullptr) move_weights(block, *moving);
    return block;
  }

  static Split make_data(const nlohmann::json& given) {
    BlobsOptions blobs;
    blobs.samples = given["samples"].get<int64_t>();
    blobs.centers = given["centers"].get<int64_t>();
    blobs.features = given["features"];
    blobs.cluster_std = {given["cluster_std"].get<double>()};
    blobs.random_state = given["random_state"];
    return split(to_dataset(make_blobs(blobs)), given["samples"].get<int64_t>() / 2);
  }
};

/// Scores by (stage, "train_accuracy"), as the replays name them.
using ScoresByStage = std::map<std::pair<int64_t, std::string>, double>;

/// Runs a whole experiment, supervised or not, and collects the scores of its plain stages.
inline ScoresByStage run(Experiment& experiment, bool supervised) {
  ScoresByStage scores;
  Observer observer;
  observer.on_stage = [&](const StageReport& report) {
    for (const auto& score : report.result.scores) {
      scores[{report.info.stage, score.split + "_" + score.metric}] = score.value;
    }
  };
  if (supervised) {
    auto net = experiment.net(experiment.centers);
    deepen_supervised(net, experiment.data, {experiment.layers, experiment.fit, {}},
                      experiment.next_block(), experiment.random, observer);
  } else {
    auto net = experiment.net(experiment.features);
    deepen_autoencoder(net, experiment.data, {experiment.layers, experiment.fit, {}, {}},
                       experiment.next_block(), experiment.classifier(), experiment.random,
                       observer);
  }
  return scores;
}

}  // namespace layerwise::testing
