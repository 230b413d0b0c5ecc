#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <utility>

#include "layerwise/layerwise.h"

#include "testing.h"

namespace layerwise::testing {

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

  explicit Experiment(const nlohmann::json& given)
      : options(given),
        data(make_data(given)),
        units(given["units"]),
        features(given["features"]),
        centers(given["centers"]),
        layers(given["layers"]),
        fit{given["epochs"], given["batch_size"], Sgd{given["learning_rate"], given["momentum"]}},
        random(given["seed"].get<uint32_t>(), given["repeat"].get<uint32_t>()) {}

  GreedyNet net(int64_t outputs) {
    Block first = dense(features, units, random.initialisation);
    Block head = output(units, outputs, random.initialisation);
    return GreedyNet(first, head);
  }
  BlockFactory next_block() const {
    return [n = units](RandomState& draw) { return dense(n, n, draw); };
  }
  BlockFactory classifier() const {
    return [n = units, c = centers](RandomState& draw) { return output(n, c, draw); };
  }

 private:
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
