#include <cmath>
#include <memory>
#include <vector>

#include <torch/nn/modules/linear.h>
#include <torch/optim/adagrad.h>
#include <torch/optim/lbfgs.h>

#include "layerwise/layerwise.h"

#include "testing.h"

namespace layerwise {
namespace {

constexpr int64_t units = 6;

Split points() {
  return split(to_dataset(make_blobs({.samples = int64_t{80}})), 40);
}

/// The factors of the steps of a fit of so many epochs of four steps each.
std::vector<double> factors_of(const Schedule& schedule, int64_t epochs) {
  std::vector<double> factors;
  for (int64_t step = 0; step < 4 * epochs; ++step)
    factors.push_back(schedule.factor({step, 4 * epochs, 4}));
  return factors;
}

/// One stage from the same start; the weights afterwards.
uint64_t fitted(const FitOptions& options) {
  Random random(1, 0);
  GreedyNet net(dense(2, units, random.initialization), output(units, 3, random.initialization));
  fit_stage(net->stage(), {classification()}, points(), options, random);
  return fingerprint(*net);
}

TEST_CASE("Schedules have the factors that their texts say, step by step") {
  const auto step = factors_of(schedule_named("step:2:0.5"), 5);
  CHECK(step[0] == 1);
  CHECK(step[7] == 1);
  CHECK(step[8] == 0.5);
  CHECK(step[15] == 0.5);
  CHECK(step[16] == 0.25);
  const auto cosine = factors_of(schedule_named("cosine"), 5);
  CHECK(cosine[0] == 1);
  CHECK(std::abs(cosine[10] - 0.5) < 1e-15);
  CHECK(std::abs(cosine[19] - (1 + std::cos(0.95 * M_PI)) / 2) < 1e-15);
  const auto warm = factors_of(schedule_named("warmup:1+step:2:0.1"), 5);
  CHECK(warm[0] == 0.25);
  CHECK(warm[3] == 1);
  CHECK(warm[11] == 1);
  CHECK(warm[12] == 0.1);
  CHECK_FALSE(schedule_named("constant").factor);
  // As long as two of its fits: its epochs last twice as long.
  const auto stretched_step = stretched(schedule_named("step:2:0.5"), 2);
  CHECK(stretched_step.factor({15, 40, 4}) == 1);
  CHECK(stretched_step.factor({16, 40, 4}) == 0.5);
  for (const auto* text : {"", "linear", "step", "step:2", "step:0:0.5", "step:2:0", "step:2:1.5",
                           "step:2:x", "step:1.5:0.5", "cosine:2", "warmup", "warmup:0",
                           "warmup:1+", "warmup:1+warmup:1", "warmup:1+constant"}) {
    INFO(text);
    CHECK_THROWS_AS(schedule_named(text), std::invalid_argument);
  }
}

TEST_CASE("A schedule takes effect in every engine, and one over all stages goes on in the next") {
  for (const auto engine : {EngineKind::autograd, EngineKind::dense, EngineKind::tiny}) {
    INFO(name_of(engine));
    FitOptions options{.epochs = 4, .batch_size = 10};
    options.engine.kind = engine;
    const auto constant = fitted(options);
    options.schedule = step_schedule(4 - 1, 1);
    CHECK(fitted(options) == constant);
    // A factor from the first step on is another learning rate.
    options.schedule = {.name = "half", .factor = [](const ScheduleTime&) { return 0.5; }};
    const auto half = fitted(options);
    options.schedule = {};
    set_learning_rate(options.optimizer, 0.005);
    CHECK(fitted(options) == half);
    CHECK(half != constant);
  }
  // Two stages of a deepening, with the second half of the schedule in the second.
  std::vector<double> asked;
  SupervisedDeepeningOptions deepening{.layers = 3, .fit = {.epochs = 1, .batch_size = 10}};
  deepening.fit.schedule = {.name = "watched",
                            .factor =
                                [&](const ScheduleTime& time) {
                                  asked.push_back(static_cast<double>(time.step));
                                  CHECK(time.steps == 8);
                                  return 1.0 + 1e-3 * static_cast<double>(time.step);
                                },
                            .over_all_stages = true};
  Random random(1, 0);
  GreedyNet net(dense(2, units, random.initialization), output(units, 3, random.initialization));
  deepen_supervised(
      net, points(), deepening, [](RandomState& draw) { return dense(units, units, draw); },
      random);
  CHECK(asked.front() == 0);
  CHECK(asked.back() == 7);
}

TEST_CASE("A schedule longer than its fit, and a decay without effect, are refused") {
  const auto refused = [](const FitOptions& options, const std::string& part) {
    try {
      check(options, 40);
      FAIL_CHECK("not refused: " << part);
    } catch (const std::invalid_argument& error) {
      INFO(error.what());
      CHECK(testing::contains(error.what(), part));
    }
  };
  FitOptions options{.epochs = 5, .batch_size = 10};
  options.schedule = step_schedule(5, 0.1);
  refused(options, "step:5:0.1");
  refused(options, "needs 21 steps for its last change, and the fit takes 20");
  options.schedule = warm_up(2, step_schedule(3, 0.1));
  refused(options, "warmup:2+step:3:0.1");
  options.schedule = step_schedule(4, 0.1);
  CHECK_NOTHROW(check(options, 40));
  options.optimizer = AdamW{};
  options.l2 = 0.1;
  refused(options, "l2 is 0.1, which has no effect with adamw");
  options.l2 = 0;
  options.optimizer = AdamW{.weight_decay = -1};
  refused(options, "weight_decay is -1");
  options.optimizer = RmsProp{.alpha = 1};
  refused(options, "alpha is 1");
  options.optimizer = OwnOptimizer{};
  refused(options, "make");
}

TEST_CASE("Any optimizer of LibTorch can be brought along, and is scheduled") {
  OwnOptimizer own{.learning_rate = 0.05, .make = [](auto parameters, double learning_rate) {
                     return std::make_unique<torch::optim::Adagrad>(
                         std::move(parameters), torch::optim::AdagradOptions(learning_rate));
                   }};
  FitOptions options{.epochs = 3, .batch_size = 10};
  const auto sgd = fitted(options);
  options.optimizer = own;
  const auto adagrad = fitted(options);
  CHECK(adagrad != sgd);
  CHECK(fitted(options) == adagrad);
  options.schedule = cosine_schedule();
  CHECK(fitted(options) != adagrad);
  options.engine.kind = EngineKind::dense;
  CHECK_THROWS_AS(fitted(options), EngineUnavailable);
}

TEST_CASE("An optimizer may evaluate the loss several times in a step, as L-BFGS does") {
  const auto loss_of = [](const Optimizer& optimizer) {
    Random random(1, 0);
    const auto data = points();
    GreedyNet net(dense(2, units, random.initialization), output(units, 3, random.initialization));
    const FitOptions options{.epochs = 2, .batch_size = data.train.size(), .optimizer = optimizer};
    const auto result = fit_stage(net->stage(), {classification()}, data, options, random);
    return value_of(result.scores, "train", "cross_entropy");
  };
  int64_t evaluations = 0;
  const OwnOptimizer lbfgs{.learning_rate = 1, .make = [&](auto parameters, double learning_rate) {
                             struct Counting : torch::optim::LBFGS {
                               using LBFGS::LBFGS;
                               torch::Tensor step(LossClosure closure) override {
                                 return LBFGS::step([&, closure] {
                                   ++*count;
                                   return closure();
                                 });
                               }
                               int64_t* count = nullptr;
                             };
                             auto made = std::make_unique<Counting>(
                                 std::move(parameters),
                                 torch::optim::LBFGSOptions(learning_rate).max_iter(10));
                             made->count = &evaluations;
                             return made;
                           }};
  CHECK(loss_of(lbfgs) < 0.5 * loss_of(Sgd{}));
  CHECK(evaluations > 10);
}

TEST_CASE("A fit that is too short for its schedule is refused before another is trained") {
  const auto data = points();
  int trained = 0;
  const Observer counting{.on_stage = [&](const StageReport&) { ++trained; }};
  const FineTuning short_tuning{.epochs = 2};
  FitOptions fit{.epochs = 4};
  const auto layer = [](RandomState& draw) { return dense(units, units, draw); };
  const auto head = [](RandomState& draw) { return output(units, 3, draw); };
  const auto supervised = [&](const SupervisedDeepeningOptions& options) {
    Random random(1, 0);
    GreedyNet net(dense(2, units, random.initialization), head(random.initialization));
    deepen_supervised(net, data, options, layer, random, counting);
  };
  const auto unsupervised = [&](const AutoencoderDeepeningOptions& options) {
    Random random(1, 0);
    GreedyNet net(dense(2, units, random.initialization), output(units, 2, random.initialization));
    deepen_autoencoder(net, data, options, layer, head, random, counting);
  };
  fit.schedule = step_schedule(3, 0.5);
  CHECK_THROWS_AS(supervised({.layers = 3, .fit = fit, .fine_tuning = short_tuning}),
                  std::invalid_argument);
  CHECK_THROWS_AS(unsupervised({.layers = 3, .fit = fit, .fine_tune_autoencoder = short_tuning}),
                  std::invalid_argument);
  CHECK_THROWS_AS(unsupervised({.layers = 3, .fit = fit, .fine_tune_classifier = short_tuning}),
                  std::invalid_argument);
  CHECK(trained == 0);
  // Over two stages of four epochs there is room for it: in the classifiers of codes, too.
  fit.schedule = step_schedule(6, 0.5);
  CHECK_THROWS_AS(unsupervised({.layers = 3, .fit = fit}), std::invalid_argument);
  CHECK(trained == 0);
  fit.schedule.over_all_stages = true;
  unsupervised({.layers = 3, .fit = fit});
  CHECK(trained == 4);
}

}  // namespace
}  // namespace layerwise
