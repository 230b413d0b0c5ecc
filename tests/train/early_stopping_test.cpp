#include <cmath>
#include <limits>
#include <utility>
#include <vector>

#include <torch/nn/modules/linear.h>

#include "layerwise/layerwise.h"

#include "testing.h"

namespace layerwise {
namespace {

Split noisy_data() {
  BlobsOptions options;
  options.samples = int64_t{90};
  options.cluster_std = {4.0};
  options.random_state = 5;
  const auto all = to_dataset(make_blobs(options));
  const auto part = [&](int64_t begin, int64_t end) {
    return Dataset{all.inputs.slice(0, begin, end).contiguous(),
                   all.targets.slice(0, begin, end).contiguous()};
  };
  return {part(0, 30), part(30, 60), part(60, 90)};
}

FitOptions long_fit(EngineKind engine) {
  FitOptions fit;
  fit.epochs = 400;
  fit.batch_size = 8;
  fit.optimizer = Adam{0.02};
  fit.engine.kind = engine;
  return fit;
}

struct Looks {
  std::vector<int64_t> steps;
  std::vector<double> values;
  Hook hook(const std::string& split, const std::string& metric) {
    return [this, split, metric](const FitView& view) {
      steps.push_back(view.step);
      values.push_back(value_of(view.engine.evaluate(split), split, metric));
      return Next::go_on;
    };
  }
};

TEST_CASE("A fit ends after so many looks without a better score, with the values of the best") {
  const auto data = noisy_data();
  for (const auto engine : {EngineKind::autograd, EngineKind::dense, EngineKind::tiny}) {
    for (const auto& [metric, mode, split] : {std::tuple("cross_entropy", Mode::min, "validation"),
                                              std::tuple("accuracy", Mode::max, "validation"),
                                              std::tuple("cross_entropy", Mode::min, "test")}) {
      INFO(name_of(engine) << " " << metric << " " << split);
      Random random(2, 0);
      GreedyNet net(dense(2, 20, random.initialization), output(20, 3, random.initialization));
      auto options = long_fit(engine);
      options.early_stopping = EarlyStopping{split, metric, mode, 7};
      Looks looks;
      const std::vector<Hook> hooks{looks.hook(split, metric)};
      const auto result = fit_stage(net->stage(), {classification()}, data, options, random, hooks);
      size_t best = 0;
      for (size_t i = 1; i < looks.values.size(); ++i) {
        const bool improves = mode == Mode::min ? looks.values[i] < looks.values[best]
                                                : looks.values[i] > looks.values[best];
        if (improves) best = i;
      }
      REQUIRE(looks.steps.size() == best + 8);
      REQUIRE(result.fit.best_step == looks.steps[best]);
      REQUIRE(value_of(result.scores, split, metric) == looks.values[best]);
      // The network has the values that were scored.
      StageChain chain(net->stage());
      const auto scores =
          evaluate(chain, data.validation, Target::given, classification().metrics, "validation");
      for (const auto* name : {"accuracy", "cross_entropy"}) {
        REQUIRE(testing::relative_difference(value_of(scores, "validation", name),
                                             value_of(result.scores, "validation", name)) < 1e-5);
      }
    }
  }
}

TEST_CASE("Of equal scores the next criterion decides") {
  const auto data = noisy_data();
  Random random(2, 0);
  GreedyNet net(dense(2, 20, random.initialization), output(20, 3, random.initialization));
  auto options = long_fit(EngineKind::tiny);
  options.early_stopping = stopping_by_accuracy(5);
  Looks accuracy;
  Looks cross_entropy;
  const std::vector<Hook> hooks{accuracy.hook("validation", "accuracy"),
                                cross_entropy.hook("validation", "cross_entropy")};
  const auto result = fit_stage(net->stage(), {classification()}, data, options, random, hooks);
  size_t best = 0;
  bool decided_by_second = false;
  for (size_t i = 1; i < accuracy.values.size(); ++i) {
    const bool equal = accuracy.values[i] == accuracy.values[best];
    if (accuracy.values[i] < accuracy.values[best] ||
        (equal && cross_entropy.values[i] >= cross_entropy.values[best]))
      continue;
    decided_by_second |= equal;
    best = i;
  }
  REQUIRE(decided_by_second);
  REQUIRE(result.fit.best_step == accuracy.steps[best]);
}

TEST_CASE("Every stage of an algorithm stops by itself, and its report has the restored scores") {
  const auto data = noisy_data();
  Random random(3, 0);
  GreedyNet net(dense(2, 20, random.initialization), output(20, 3, random.initialization));
  SupervisedDeepeningOptions options{4, long_fit(EngineKind::automatic), {}};
  options.fit.early_stopping = EarlyStopping{.metric = "cross_entropy", .patience = 3};
  double lowest = std::numeric_limits<double>::infinity();
  int64_t stages = 0;
  Observer observer;
  observer.on_progress = [&](const StageInfo&, const FitView& view) {
    lowest = std::min(lowest,
                      value_of(view.engine.evaluate("validation"), "validation", "cross_entropy"));
    return Next::go_on;
  };
  observer.on_stage = [&](const StageReport& report) {
    CHECK(report.result.fit.epochs < 400);
    CHECK(value_of(report.result.scores, "validation", "cross_entropy") == lowest);
    lowest = std::numeric_limits<double>::infinity();
    ++stages;
  };
  deepen_supervised(
      net, data, options, [](RandomState& draw) { return dense(20, 20, draw); }, random, observer);
  CHECK(stages == 3);
}

TEST_CASE("Without restoring, the last values stay and the best step is told") {
  const auto data = noisy_data();
  Random random(2, 0);
  GreedyNet net(dense(2, 20, random.initialization), output(20, 3, random.initialization));
  auto options = long_fit(EngineKind::tiny);
  options.early_stopping =
      EarlyStopping{.metric = "cross_entropy", .patience = 7, .restore_best = false};
  Looks looks;
  const std::vector<Hook> hooks{looks.hook("validation", "cross_entropy")};
  const auto result = fit_stage(net->stage(), {classification()}, data, options, random, hooks);
  CHECK(value_of(result.scores, "validation", "cross_entropy") == looks.values.back());
  CHECK(result.fit.best_step == looks.steps[looks.steps.size() - 8]);
}

TEST_CASE(
    "A fit that only does harm ends with its first values, one without numbers with its last") {
  auto data = noisy_data();
  const auto fitted = [&] {
    Random random(2, 0);
    GreedyNet net(dense(2, 20, random.initialization), output(20, 3, random.initialization));
    const auto before = net->parameters().front().clone();
    auto options = long_fit(EngineKind::autograd);
    options.optimizer = Sgd{.learning_rate = 1e4};
    options.early_stopping = EarlyStopping{.metric = "cross_entropy", .patience = 3};
    const auto result = fit_stage(net->stage(), {classification()}, data, options, random);
    return std::pair(result.fit.best_step, net->parameters().front().equal(before));
  };
  const auto [best, as_before] = fitted();
  CHECK(best == 0);
  CHECK(as_before);
  data.validation.inputs.fill_(NAN);
  const auto [none, same] = fitted();
  CHECK(!none);
  CHECK(!same);
}

TEST_CASE("Early stopping that cannot be is refused before the first step") {
  const auto data = noisy_data();
  const auto words = [&](const EarlyStopping& stopping, const Split& split) {
    Random random(2, 0);
    GreedyNet net(dense(2, 5, random.initialization), output(5, 3, random.initialization));
    auto options = long_fit(EngineKind::automatic);
    options.early_stopping = stopping;
    try {
      fit_stage(net->stage(), {classification()}, split, options, random);
    } catch (const std::invalid_argument& error) {
      return std::string(error.what());
    }
    return std::string("not refused");
  };
  const Split without{data.train, data.test};
  using testing::contains;
  CHECK(contains(words(stopping_by_accuracy(0), data), "patience is 0"));
  CHECK(contains(words(stopping_by_accuracy(3), without), "no split 'validation'"));
  CHECK(contains(words({.metric = "mse", .patience = 3}, data), "does not report 'mse'"));
  CHECK(words(stopping_by_accuracy(3), data) == "not refused");
}

}  // namespace
}  // namespace layerwise
