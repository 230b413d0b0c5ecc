#include <algorithm>
#include <tuple>
#include <vector>

#include <fmt/format.h>

#include "pretraining/replays.h"

namespace layerwise {
namespace {

using nlohmann::json;
using testing::Experiment;

/// In float64, so that a stage in float64 starts from PyTorch's weights to the last bit.
void put(const Block& block, const json& values) {
  torch::NoGradGuard no_grad;
  auto layer = block.ptr<DenseImpl>();
  layer->to(torch::kFloat64);
  std::vector<double> weight;
  for (const auto& row : values["weight"]) {
    for (const auto& value : row) weight.push_back(value.get<double>());
  }
  const auto options = torch::TensorOptions(torch::kFloat64);
  layer->weight.copy_(torch::tensor(weight, options).view_as(layer->weight));
  layer->bias.copy_(torch::tensor(values["bias"].get<std::vector<double>>(), options));
}

/// The training loss after each of so many epochs of a stage.
std::vector<double> losses_of(const StageView& view, const Split& data, const Objective& objective,
                              const FitOptions& options, Random& random) {
  std::vector<double> losses;
  const std::vector<Hook> hooks{[&](const FitView& fit) {
    if (fit.epoch > 0)
      losses.push_back(value_of(fit.engine.evaluate("train"), "train", objective.loss().name));
    return Next::go_on;
  }};
  FeatureCache features(data);
  fit_stage(view, {objective}, features, data, options, random, hooks);
  return losses;
}

/// A stage on copies of its blocks.
StageView copy_of(const StageView& view, torch::ScalarType type) {
  const auto copies = [&](const std::vector<Block>& blocks) {
    std::vector<Block> copied;
    for (const auto& block : blocks) {
      Dense layer(std::dynamic_pointer_cast<DenseImpl>(block.ptr()->clone()));
      layer->to(type);
      copied.emplace_back(layer);
    }
    return copied;
  };
  return {copies(view.frozen), copies(view.trained)};
}

std::vector<Block> all_blocks(const StageView& view) {
  auto blocks = view.frozen;
  blocks.insert(blocks.end(), view.trained.begin(), view.trained.end());
  return blocks;
}

/// Fits the trainable part for as many epochs as the replay's curve has, and compares the training
/// loss after each: in float64 with PyTorch's to float64's rounding, and every engine in float32
/// with float64, as near as replays.h says. The streams go on as after the whole fit.
void require_same_curve(GreedyNet& net, Experiment& experiment, const Split& data,
                        const Objective& objective, const json& curve) {
  auto options = experiment.fit;
  options.epochs = static_cast<int64_t>(curve.size());
  const auto difference = [&](const StageView& view, const Split& split, EngineKind engine) {
    options.engine.kind = engine;
    auto random = experiment.random;
    const auto losses = losses_of(view, split, objective, options, random);
    double largest = 0;
    for (size_t epoch = 0; epoch < curve.size(); ++epoch)
      largest = std::max(largest, testing::loss_difference(losses.at(epoch), curve[epoch]));
    return largest;
  };
  INFO("layers " << net->layers() << ", " << objective.loss().name);
  const auto view = net->stage();
  const Split exact_data{testing::in_float64(data.train), testing::in_float64(data.test)};
  const auto in_double = [&] { return copy_of(view, torch::kFloat64); };
  REQUIRE(difference(in_double(), exact_data, EngineKind::autograd) < 1e-9);

  double moved = 0;
  for (uint32_t run = 0; run < testing::moved_runs; ++run) {
    RandomState random(run);
    const auto start = in_double();
    for (const auto& block : all_blocks(start)) testing::move_weights(block, random);
    moved = std::max(moved, difference(start, exact_data, EngineKind::autograd));
  }
  for (const auto engine : {EngineKind::tiny, EngineKind::dense, EngineKind::autograd}) {
    const auto ours = difference(copy_of(view, torch::kFloat32), data, engine);
    INFO(name_of(engine) << " differs by " << ours << ", "
                         << ours / testing::allowed_difference(moved) << " of what is allowed");
    REQUIRE(ours < testing::allowed_difference(moved));
  }
  for (int64_t epoch = 0; epoch < experiment.fit.epochs; ++epoch) {
    experiment.random.order.permutation(data.train.size());
  }
}

TEST_CASE("Every supervised stage follows PyTorch's replay from the same starting weights") {
  const auto replays = testing::reference("replays.json");
  for (const auto& replay : replays["supervised_stages"]) {
    INFO(replay["options"].dump());
    Experiment experiment(replay["options"]);
    auto net = experiment.net(experiment.centers);
    for (const auto& stage : replay["stages"]) {
      require_same_curve(net, experiment, experiment.data, classification(), stage["curve"]);
      put(net->blocks().back(), stage["block"]);
      put(*net->head->begin(), stage["head"]);
      net->deepen(experiment.next_block()(2, experiment.random.initialization));
    }
  }
}

TEST_CASE(
    "Every unsupervised stage and every classifier follows PyTorch's replay from the same starting "
    "weights") {
  const auto replays = testing::reference("replays.json");
  for (const auto& replay : replays["unsupervised_stages"]) {
    INFO(replay["options"].dump());
    Experiment experiment(replay["options"]);
    auto net = experiment.net(experiment.features);
    for (const auto& stage : replay["stages"]) {
      require_same_curve(net, experiment, autoencoding(experiment.data), reconstruction(),
                         stage["curve"]);
      put(net->blocks().back(), stage["block"]);
      put(*net->head->begin(), stage["head"]);
      net->freeze_hidden();
      const auto own =
          net->exchange_head(experiment.classifier()(1, experiment.random.initialization));
      require_same_curve(net, experiment, experiment.data, classification(),
                         stage["classifier_curve"]);
      net->exchange_head(own);
      net->deepen(experiment.next_block()(2, experiment.random.initialization));
    }
  }
}

TEST_CASE("Short whole runs agree with PyTorch's to rounding, accuracies within one sample") {
  const auto replays = testing::reference("replays.json");
  for (const bool supervised : {true, false}) {
    for (const auto& replay : replays[supervised ? "supervised_short" : "unsupervised_short"]) {
      INFO(replay["options"].dump());
      const auto in_float64 = [&](std::optional<uint32_t> moving) {
        Experiment experiment(replay["options"]);
        experiment.use_float64();
        experiment.moving = moving;
        return testing::run(experiment, supervised);
      };
      const auto exact = in_float64({});
      std::vector<testing::ScoresByStage> moved;
      // Of one loss here, one run in eight moves the kink of a ReLU past a row.
      constexpr auto runs = 4 * testing::moved_runs;
      for (uint32_t run = 0; run < runs; ++run) moved.push_back(in_float64(run));
      for (const auto engine : {EngineKind::autograd, EngineKind::dense, EngineKind::tiny}) {
        Experiment experiment(replay["options"]);
        experiment.fit.engine.kind = engine;
        const auto scores = testing::run(experiment, supervised);
        const double sample = 1.0 / static_cast<double>(experiment.data.test.size());
        int64_t stage = 0;
        for (const auto& expected : replay["stages"]) {
          ++stage;
          for (const auto& [name, value] : expected.items()) {
            if (!value.is_number()) continue;
            const std::pair key{stage, name};
            INFO(name_of(engine) << " stage " << stage << " " << name);
            if (name.find("accuracy") != std::string::npos) {
              REQUIRE(testing::relative_difference(exact.at(key), value) < 1e-9);
              REQUIRE(std::abs(scores.at(key) - value.get<double>()) < 1.01 * sample);
              continue;
            }
            REQUIRE(testing::loss_difference(exact.at(key), value) < 1e-9);
            double largest = 0;
            for (const auto& run : moved) {
              largest = std::max(largest, testing::loss_difference(run.at(key), exact.at(key)));
            }
            const auto ours = testing::loss_difference(scores.at(key), exact.at(key));
            INFO("differs by " << ours << ", " << ours / testing::allowed_difference(largest)
                               << " of what is allowed");
            REQUIRE(ours < testing::allowed_difference(largest));
          }
        }
        REQUIRE(stage == experiment.layers - 1);
      }
    }
  }
}

json small_options() {
  return {{"seed", 2},      {"repeat", 0},        {"samples", 200},    {"centers", 3},
          {"features", 2},  {"cluster_std", 2.0}, {"random_state", 2}, {"units", 10},
          {"layers", 4},    {"epochs", 5},        {"batch_size", 32},  {"learning_rate", 0.002},
          {"momentum", 0.9}};
}

/// Every score of an unsupervised run as `variant,task,stage,split,metric,value`, and the final
/// bits.
std::pair<std::vector<std::string>, uint64_t> unsupervised_run(
    std::optional<FineTuning> autoencoder, std::optional<FineTuning> classifier) {
  Experiment experiment(small_options());
  std::vector<std::string> rows;
  Observer observer;
  observer.on_stage = [&](const StageReport& report) {
    for (const auto& score : report.result.scores) {
      rows.push_back(fmt::format("{},{},{},{},{},{}", report.info.variant,
                                 name_of(report.info.task), report.info.stage, score.split,
                                 score.metric, score.value));
    }
  };
  auto net = experiment.net(experiment.features);
  deepen_autoencoder(net, experiment.data,
                     {experiment.layers, experiment.fit, autoencoder, classifier},
                     experiment.next_block(), experiment.classifier(), experiment.random, observer);
  return {rows, fingerprint(*net)};
}

TEST_CASE("Fine-tuning leaves the deepened autoencoder as it is without, bit for bit") {
  const auto [plain, bits] = unsupervised_run({}, {});
  const FineTuning tuning{3, 0.001};
  const std::vector<std::tuple<std::optional<FineTuning>, std::optional<FineTuning>, std::string>>
      choices{{tuning, {}, "fine_tuned_autoencoder"},
              {{}, tuning, "fine_tuned_classifier"},
              {tuning, tuning, "fine_tuned_both"}};
  for (const auto& [autoencoder, classifier, variant] : choices) {
    INFO(variant);
    auto [rows, tuned_bits] = unsupervised_run(autoencoder, classifier);
    const auto prefix = variant + ",classification,";
    REQUIRE(std::count_if(rows.begin(), rows.end(),
                          [&](const auto& row) { return row.rfind(prefix, 0) == 0; }) == 12);
    const bool after = std::any_of(rows.begin(), rows.end(), [](const auto& row) {
      return row.rfind("fine_tuned_classifier,", 0) == 0;
    });
    REQUIRE(after == classifier.has_value());
    std::erase_if(rows, [](const auto& row) { return row[0] != ','; });
    REQUIRE((rows == plain));
    REQUIRE(tuned_bits == bits);
  }
}

TEST_CASE("Fine-tuning starts from the deepened weights and trains all of them") {
  Experiment experiment(small_options());
  auto net = experiment.net(experiment.centers);
  std::vector<double> losses;
  uint64_t tuned = 0;
  uint64_t before = 0;
  Observer observer;
  observer.on_progress = [&](const StageInfo& info, const FitView& view) {
    if (info.variant == "fine_tuned" && view.epoch == 0) {
      before = fingerprint(*net->blocks()[0].ptr());
      REQUIRE(net->frozen_blocks() == 0);
      losses.push_back(value_of(view.engine.evaluate("train"), "train", "cross_entropy"));
    }
    return Next::go_on;
  };
  observer.on_stage = [&](const StageReport& report) {
    losses.push_back(value_of(report.result.scores, "train", "cross_entropy"));
    tuned = fingerprint(*net->blocks()[0].ptr());
  };
  const FineTuning tuning{20, 0.001};
  deepen_supervised(net, experiment.data, {experiment.layers, experiment.fit, tuning},
                    experiment.next_block(), experiment.random, observer);
  REQUIRE(losses.size() == 5);
  REQUIRE(testing::relative_difference(losses[3], losses[2]) < 1e-5);
  REQUIRE(losses[4] < losses[3]);
  REQUIRE(tuned != before);
  REQUIRE(fingerprint(*net->blocks()[0].ptr()) == before);
}

TEST_CASE("A stage that diverges is the last, and nothing is fine-tuned after it") {
  auto options = small_options();
  options["learning_rate"] = 1e20;
  for (const bool supervised : {true, false}) {
    Experiment experiment(options);
    std::vector<StageReport> reports;
    Observer observer;
    observer.on_stage = [&](const StageReport& report) { reports.push_back(report); };
    auto net = experiment.net(supervised ? experiment.centers : experiment.features);
    if (supervised) {
      deepen_supervised(net, experiment.data, {4, experiment.fit, FineTuning{}},
                        experiment.next_block(), experiment.random, observer);
    } else {
      deepen_autoencoder(net, experiment.data, {4, experiment.fit, FineTuning{}, FineTuning{}},
                         experiment.next_block(), experiment.classifier(), experiment.random,
                         observer);
    }
    REQUIRE(reports.size() == 1);
    REQUIRE(reports[0].result.diverged());
  }
}

TEST_CASE("Fewer layers than the network has are refused") {
  Experiment experiment(small_options());
  auto net = experiment.net(experiment.centers);
  REQUIRE_THROWS_AS(deepen_supervised(net, experiment.data, {1, experiment.fit, {}},
                                      experiment.next_block(), experiment.random),
                    std::invalid_argument);
}

}  // namespace
}  // namespace layerwise
