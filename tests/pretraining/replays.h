#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <limits>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "layerwise/layerwise.h"

#include "rounding.h"
#include "testing.h"

namespace layerwise::testing {

/// The difference of a loss as a share of it; of losses near 0, which float32 computes as
/// differences of larger numbers, as a share of .01.
inline double loss_difference(double a, double b) {
  if (!std::isfinite(a) || !std::isfinite(b)) return std::numeric_limits<double>::infinity();
  return std::abs(a - b) / std::max(std::abs(b), 1e-2);
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
  std::optional<uint32_t> moving = {};  ///< if set, the seed by which weights of new blocks move

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
    Block first = typed(dense(features, units, random.initialization), 1, 0);
    Block head = typed(output(units, outputs, random.initialization), 1, 1);
    return GreedyNet(first, head);
  }
  BlockFactory next_block() const {
    return [this](int64_t stage, RandomState& draw) {
      return typed(dense(units, units, draw), stage, 0);
    };
  }
  BlockFactory classifier() const {
    return [this](int64_t stage, RandomState& draw) {
      return typed(output(units, centers, draw), stage, 2);
    };
  }

 private:
  Block typed(Block block, int64_t stage, uint32_t part) const {
    block.ptr()->to(type);
    if (moving) {
      RandomState moves(std::array{*moving, static_cast<uint32_t>(stage), part});
      move_weights(block, moves);
    }
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
