#include <atomic>
#include <cmath>
#include <thread>
#include <vector>

#include "layerwise/study/statistics.h"

#include "pretraining/replays.h"

/// Over a full run float32 rounding decides single samples, so that two correct programs agree as
/// distributions only. The same 20 repeats were run here and in PyTorch.
namespace layerwise {
namespace {

using nlohmann::json;
using testing::ScoresByStage;

std::vector<ScoresByStage> run_all(const json& replays, bool supervised,
                                   EngineKind engine = EngineKind::automatic) {
  std::vector<ScoresByStage> scores(replays.size());
  std::atomic<size_t> next = 0;
  const auto work = [&] {
    prepare_thread(1);
    for (size_t i = next++; i < replays.size(); i = next++) {
      testing::Experiment experiment(replays[i]["options"]);
      experiment.fit.engine.kind = engine;
      scores[i] = testing::run(experiment, supervised);
    }
  };
  set_math_threads(1);
  std::thread other(work);
  work();
  other.join();
  return scores;
}

study::Spread spread_of(const std::vector<ScoresByStage>& runs, int64_t stage,
                        const std::string& name) {
  std::vector<double> values;
  for (const auto& run : runs) values.push_back(run.at({stage, name}));
  return study::spread_of(values);
}

study::Spread spread_of(const json& replays, size_t stage, const std::string& name) {
  std::vector<double> values;
  for (const auto& replay : replays) values.push_back(replay["stages"][stage - 1][name]);
  return study::spread_of(values);
}

TEST_CASE("Twenty full supervised runs have the accuracies of the tutorial's procedure") {
  const auto replays = testing::reference("replays.json")["supervised_full"];
  const auto ours = run_all(replays, true);
  for (int64_t stage = 1; stage <= 11; ++stage) {
    for (const auto* name : {"train_accuracy", "test_accuracy"}) {
      const auto a = spread_of(ours, stage, name);
      const auto b = spread_of(replays, static_cast<size_t>(stage), name);
      INFO("stage " << stage << " " << name << ": " << a.mean << " +- " << a.sd << ", PyTorch "
                    << b.mean << " +- " << b.sd);
      // Within three standard errors of a difference between independent samples; these are even
      // paired.
      REQUIRE(std::abs(a.mean - b.mean) < 3 * std::sqrt((a.sd * a.sd + b.sd * b.sd) / 20));
    }
  }
  // Means over 100 to 200 seeds of other implementations, with three standard errors of a mean
  // of 20.
  const double error_train = 3 * 0.007 / std::sqrt(20.0);
  const double error_test = 3 * 0.006 / std::sqrt(20.0);
  REQUIRE(std::abs(spread_of(ours, 1, "train_accuracy").mean - 0.826) < error_train);
  REQUIRE(std::abs(spread_of(ours, 11, "train_accuracy").mean - 0.844) < error_train);
  for (int64_t stage = 1; stage <= 11; ++stage) {
    const double mean = spread_of(ours, stage, "test_accuracy").mean;
    INFO("stage " << stage << " test mean " << mean);
    REQUIRE(mean > 0.822 - error_test);
    REQUIRE(mean < 0.827 + error_test);
  }
}

TEST_CASE("Full supervised runs of every engine agree as distributions over 25 seeds") {
  auto experiments = json::array();
  auto options = testing::reference("replays.json")["supervised_full"][0]["options"];
  for (int seed = 100; seed < 125; ++seed) {
    options["seed"] = seed;
    experiments.push_back({{"options", options}});
  }
  const auto reference = run_all(experiments, true, EngineKind::autograd);
  for (const auto engine : {EngineKind::dense, EngineKind::tiny}) {
    const auto ours = run_all(experiments, true, engine);
    for (int64_t stage = 1; stage <= 11; ++stage) {
      for (const auto* name : {"train_accuracy", "test_accuracy", "train_cross_entropy"}) {
        const auto a = spread_of(ours, stage, name);
        const auto b = spread_of(reference, stage, name);
        INFO(name_of(engine) << ", stage " << stage << " " << name << ": " << a.mean << " +- "
                             << a.sd << ", autograd " << b.mean << " +- " << b.sd);
        // Standard errors as if the two were not of the same seeds.
        REQUIRE(std::abs(a.mean - b.mean) < 2 * std::sqrt((a.sd * a.sd + b.sd * b.sd) / 25));
        REQUIRE(a.sd < 1.5 * b.sd);
        REQUIRE(b.sd < 1.5 * a.sd);
      }
    }
  }
}

enum class Kind { diverged, collapsed, alive };

Kind kind_of(double mse) {
  if (!std::isfinite(mse)) return Kind::diverged;
  return mse > 1 ? Kind::collapsed : Kind::alive;
}

TEST_CASE("Twenty full unsupervised runs diverge and collapse as the tutorial's procedure does") {
  const auto replays = testing::reference("replays.json")["unsupervised_full"];
  const auto ours = run_all(replays, false);
  int other_kind_at_first = 0;
  std::vector<int> alive_at_end(2);
  for (size_t i = 0; i < replays.size(); ++i) {
    const auto& stages = replays[i]["stages"];
    const auto mse_of = [](const json& stage) {
      return stage["train_mse"].is_null() ? NAN : stage["train_mse"].get<double>();
    };
    other_kind_at_first += kind_of(ours[i].at({1, "train_mse"})) != kind_of(mse_of(stages[0]));
    const auto last = ours[i].find({6, "train_mse"});
    alive_at_end[0] += last != ours[i].end() && kind_of(last->second) == Kind::alive;
    alive_at_end[1] += stages.size() == 6 && kind_of(mse_of(stages[5])) == Kind::alive;
  }
  INFO("alive at seven layers: " << alive_at_end[0] << ", PyTorch " << alive_at_end[1]);
  // Divergence is decided in the first epochs, before rounding can tell the two apart.
  REQUIRE(other_kind_at_first == 0);
  // About one repeat in eleven is alive at the end: the difference of two such counts of 20 has a
  // deviation of 1.8.
  REQUIRE(std::abs(alive_at_end[0] - alive_at_end[1]) <= 5);
}

TEST_CASE("Of the first hundred autoencoders of seed 1, 22 diverge in their first epochs") {
  auto options = testing::reference("replays.json")["unsupervised_full"][0]["options"];
  prepare_thread(1);
  int diverged = 0;
  for (int repeat = 0; repeat < 100; ++repeat) {
    options["repeat"] = repeat;
    testing::Experiment experiment(options);
    experiment.fit.epochs = 8;
    auto net = experiment.net(experiment.features);
    FeatureCache features(experiment.data);
    diverged += fit_stage(net->stage(), {reconstruction()}, features, autoencoding(experiment.data),
                          experiment.fit, experiment.random)
                    .diverged();
  }
  REQUIRE(diverged == 22);
}

}  // namespace
}  // namespace layerwise
