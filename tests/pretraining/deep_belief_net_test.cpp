#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <numeric>
#include <span>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "layerwise/engines/processor.h"
#include "layerwise/engines/rbm_kernels.h"
#include "layerwise/layerwise.h"

#include "fake_device.h"
#include "pretraining/replays.h"
#include "testing.h"

/// Stacks of RBMs against rbm_replays.json, which replay_rbm.py computes in NumPy from the same
/// seeds; against scikit-learn; and against enumeration of all states.
namespace layerwise {
namespace {

using nlohmann::json;
using testing::loss_difference;

/// Rows of `random_sample()`, rounded to float32.
torch::Tensor uniform_rows(RandomState& random, int64_t rows, int64_t width) {
  auto values = torch::empty({rows, width});
  for (int64_t i = 0; i < values.numel(); ++i)
    values.data_ptr<float>()[i] = static_cast<float>(random.random_sample());
  return values;
}

Split uniform_split(int64_t rows, int64_t test_rows, int64_t width, uint32_t seed = 3) {
  RandomState random(seed);
  const auto values = uniform_rows(random, rows + test_rows, width);
  return {{values.slice(0, 0, rows), {}}, {values.slice(0, rows), {}}};
}

Split in_type(const Split& data, torch::ScalarType type) {
  return {{data.train.inputs.to(type), {}}, {data.test.inputs.to(type), {}}};
}

HiddenUnits hidden_units_named(const std::string& name) {
  return name == "gaussian" ? HiddenUnits::gaussian : HiddenUnits::bernoulli;
}

/// The training of one RBM, as stage 1.
StageResult fit_rbm(const Rbm& rbm, const Split& data, FitOptions fit,
                    const ContrastiveDivergence& divergence, Random& random,
                    const std::vector<Hook>& hooks = {}) {
  fit.make_engine = contrastive_divergence(divergence);
  const Problem problem{rbm_objective(), Target::none, {}, random.noise, 1};
  return fit_stage({{}, {Block(rbm)}}, problem, data, fit, random, hooks);
}

/// Lets the kernels use another instruction set for a while.
class WithSimd {
 public:
  explicit WithSimd(const std::string& simd) { set_processor_choices({simd, before_.multiplier}); }
  ~WithSimd() { set_processor_choices(before_); }
  WithSimd(const WithSimd&) = delete;
  WithSimd& operator=(const WithSimd&) = delete;

 private:
  ProcessorChoices before_ = processor_choices();
};

void set_values(torch::Tensor to, const json& values) {
  torch::NoGradGuard no_grad;
  to.copy_(torch::tensor(values.get<std::vector<double>>(), torch::kFloat64).view_as(to));
}

/// The largest difference of a tensor's values from those of a reference, as a share of the
/// largest of these.
double largest_difference_from(const json& expected, const torch::Tensor& ours) {
  const auto theirs = torch::tensor(expected.get<std::vector<double>>(), torch::kFloat64);
  const auto off = ours.detach().to(torch::kFloat64).flatten() - theirs;
  return (off.abs().max() / theirs.abs().max()).item<double>();
}

torch::Tensor all_parameters(const Rbm& rbm) {
  torch::NoGradGuard no_grad;
  return torch::cat({rbm->weight.flatten(), rbm->hidden_bias, rbm->visible_bias})
      .to(torch::kFloat64);
}

/// The largest difference of a replayed run from NumPy's: of every loss, score and parameter that
/// is in the file.
double replay_difference_of(const json& replay, torch::ScalarType type, EngineKind engine) {
  const auto& o = replay["options"];
  static const std::map<std::string, Initializer> initializers{
      {"small-normal", small_normal_},
      {"fan-in-uniform", fan_in_uniform_},
      {"sigmoid-uniform", sigmoid_uniform_},
      {"sparse-normal", sparse_normal_}};
  const auto units = o["units"].get<std::vector<int64_t>>();
  const auto data = in_type(uniform_split(o["train"], o["test"], units[0], o["data"]), type);
  Random random(o["seed"].get<uint32_t>(), o["repeat"].get<uint32_t>());
  auto net =
      DeepBeliefNetOptions{units, hidden_units_named(o["code"]), initializers.at(o["initializer"])}
          .make(random.initialization);
  net->to(type);
  DeepBeliefNetTraining training;
  training.phases.clear();
  const auto item = [](const json& values, size_t k) {
    return values[std::min(k, values.size() - 1)];
  };
  for (size_t k = 0; k + 1 < units.size(); ++k) {
    FitOptions fit;
    fit.epochs = item(o["epochs"], k);
    fit.batch_size = o["batch_size"];
    fit.optimizer = Sgd{item(o["learning_rate"], k), o["momentum"], o["nesterov"]};
    fit.l2 = o["l2"];
    fit.schedule = schedule_named(o["schedule"]);
    fit.engine.kind = engine;
    training.phases.push_back(fit);
  }
  auto& divergence = training.divergences.front();
  divergence.steps = o["steps"];
  divergence.persistent = o["persistent"];
  divergence.sample_visible = o["sample_visible"];
  if (!o["first"].is_null()) divergence.first = {{o["first"][0], o["first"][1]}};

  std::vector<std::vector<double>> losses(units.size() - 1);
  double largest = 0;
  Observer observer;
  observer.on_progress = [&](const StageInfo& info, const FitView& view) {
    if (view.epoch > 0) losses.at(static_cast<size_t>(info.stage - 1)).push_back(view.loss);
    return Next::go_on;
  };
  observer.on_stage = [&](const StageReport& report) {
    REQUIRE(report.result.engine.name == name_of(engine));
    const auto& stage = replay["stages"][static_cast<size_t>(report.info.stage - 1)];
    REQUIRE(report.result.scores.size() == stage["scores"].size());
    for (const auto& score : report.result.scores) {
      const double expected = stage["scores"][score.split + "_" + score.metric];
      largest = std::max(largest, loss_difference(score.value, expected));
    }
    const auto rbm = net->rbm(report.info.stage);
    const auto some = torch::cat({rbm->weight[-1], rbm->hidden_bias, rbm->visible_bias});
    largest = std::max(largest, largest_difference_from(stage["parameters"], some));
  };
  REQUIRE(train_deep_belief_net(net, data, training, random, observer));
  REQUIRE(losses.size() == replay["stages"].size());
  for (size_t k = 0; k < losses.size(); ++k) {
    const auto& expected = replay["stages"][k]["losses"];
    REQUIRE(losses[k].size() == expected.size());
    for (size_t epoch = 0; epoch < expected.size(); ++epoch)
      largest = std::max(largest, loss_difference(losses[k][epoch], expected[epoch]));
  }
  return largest;
}

TEST_CASE("Stacks of RBMs follow NumPy's replay from the seed alone") {
  const auto reference = testing::reference("rbm_replays.json");
  REQUIRE(reference["replays"].size() == 6);
  for (const auto& replay : reference["replays"]) {
    INFO(replay["options"].dump());
    const auto exact = replay_difference_of(replay, torch::kFloat64, EngineKind::autograd);
    const auto autograd = replay_difference_of(replay, torch::kFloat32, EngineKind::autograd);
    INFO("differences " << exact << ", " << autograd);
    CHECK(exact < 1e-9);
    CHECK(autograd < testing::replay_difference);
    for (const auto& simd : simd_targets()) {
      const WithSimd chosen(simd);
      INFO(simd);
      CHECK(replay_difference_of(replay, torch::kFloat32, EngineKind::dense) <
            testing::replay_difference);
    }
  }
}

TEST_CASE("An RBM computes and learns what scikit-learn's BernoulliRBM does") {
  const auto reference = testing::reference("rbm_replays.json")["scikit_learn"];
  const auto& o = reference["options"];
  for (const auto engine : {EngineKind::autograd, EngineKind::dense}) {
    const auto type = engine == EngineKind::dense ? torch::kFloat32 : torch::kFloat64;
    const double allowed = engine == EngineKind::dense ? 3e-6 : 1e-12;
    const auto data = in_type(uniform_split(o["rows"], 0, o["visible"], o["data"]), type);
    const auto make = [&](Random& random) {
      auto rbm = make_rbm({o["visible"], o["hidden"]}, small_normal_, random.initialization);
      rbm->to(type);
      set_values(rbm->hidden_bias, reference["hidden_bias"]);
      set_values(rbm->visible_bias, reference["visible_bias"]);
      return rbm;
    };
    Random streams(o["seed"].get<uint32_t>(), o["repeat"].get<uint32_t>());
    {
      torch::NoGradGuard no_grad;
      auto random = streams;
      const auto rbm = make(random);
      const auto& v = data.train.inputs;
      const auto flipped =
          torch::tensor(reference["flipped"].get<std::vector<int64_t>>(), torch::kInt64);
      CHECK(largest_difference_from(reference["free_energy"], rbm->free_energy(v)) < allowed);
      CHECK(largest_difference_from(reference["pseudo_likelihood"],
                                    rbm->pseudo_log_likelihood(v.gt(0.5).to(type), flipped)) <
            allowed);
      CHECK(largest_difference_from(reference["transformed"], rbm->hidden_means(v)[0]) < allowed);
    }
    FitOptions fit;
    fit.batch_size = o["rows"];
    fit.optimizer = Sgd{o["learning_rate"], 0};
    fit.engine.kind = engine;
    for (const auto& expected : reference["updated"]) {
      auto random = streams;
      const auto rbm = make(random);
      fit.epochs = 1 + static_cast<int64_t>(&expected - &reference["updated"][0]);
      INFO(name_of(engine) << ", updates " << fit.epochs);
      fit_rbm(rbm, {data.train, {}}, fit, {.persistent = true, .sample_visible = true}, random);
      CHECK(largest_difference_from(expected, all_parameters(rbm)) < allowed);
    }
  }
}

/// What an RBM of a few units learns in one step, known exactly: over all states of the visible and
/// of the hidden units, in float64.
///
/// A step moves each parameter by the learning rate times the mean of a statistic over the data
/// minus its mean over the ends of the chains, f(v) = (E[h|v] v^T, E[h|v], v).
class EnumeratedRbm {
 public:
  EnumeratedRbm(int64_t visible, int64_t hidden, HiddenUnits units)
      : rbm_(RbmOptions{visible, hidden, units}) {
    RandomState draw(9);
    torch::NoGradGuard no_grad;
    rbm_->to(torch::kFloat64);
    for (auto& parameter : rbm_->parameters()) {
      for (double& value : values_in(parameter))
        value = static_cast<float>(draw.uniform(-0.9, 0.9));
    }
    visible_states_ = states_of(visible);
    hidden_states_ = states_of(hidden);
  }

  /// Binary rows, not at all as the model has them.
  torch::Tensor rows(int64_t count) const {
    auto chosen = torch::empty({count}, torch::kInt64);
    for (int64_t i = 0; i < count; ++i)
      chosen[i] = std::array{3, 7, 7, 41, 18}[static_cast<size_t>(i % 5)];
    return visible_states_.index_select(0, chosen);
  }

  /// An RBM to train, in float32.
  Rbm copy() const {
    Rbm rbm(rbm_->options);
    copy_values(*as_float32(), *rbm);
    return rbm;
  }
  /// By how much a step with learning rate 1 has moved all parameters: W, c, b.
  torch::Tensor movement(const Rbm& moved) const {
    torch::NoGradGuard no_grad;
    return all_parameters(moved) - all_parameters(rbm_);
  }

  /// The gradient of the mean log-likelihood of these rows.
  torch::Tensor log_likelihood_gradient(const torch::Tensor& rows) const {
    for (auto& parameter : rbm_->parameters()) parameter.mutable_grad() = torch::Tensor();
    const auto normalizer = (-rbm_->free_energy(visible_states_)).logsumexp(0);
    (-rbm_->free_energy(rows).mean() - normalizer).backward();
    return torch::cat(
        {rbm_->weight.grad().flatten(), rbm_->hidden_bias.grad(), rbm_->visible_bias.grad()});
  }

  /// The expectation of a movement, and its standard error over so many rows of chains.
  struct Moments {
    torch::Tensor mean;
    torch::Tensor standard_error;
  };
  Moments expected(const torch::Tensor& rows, const ContrastiveDivergence& divergence) const {
    torch::NoGradGuard no_grad;
    const auto count = static_cast<double>(rows.size(0));
    // [starts, ends]: the probability of each end of a chain, by its start.
    const auto ends =
        divergence.persistent ? ends_from_off(divergence) : ends_from(rows, divergence);
    const auto f = statistics(divergence.sample_visible ? visible_states_
                                                        : rbm_->visible_means(hidden_states_));
    const auto mean = ends.matmul(f);
    const auto variance = ends.matmul(f.square()) - mean.square();
    return {statistics(rows).mean(0) - mean.mean(0), (variance.mean(0) / count).sqrt()};
  }
  /// The same for chains that have forgotten where they began.
  Moments expected_of_model(const torch::Tensor& rows) const {
    torch::NoGradGuard no_grad;
    const auto p = (-rbm_->free_energy(visible_states_)).softmax(0);
    const auto f = statistics(visible_states_);
    const auto mean = p.matmul(f);
    const auto variance = p.matmul(f.square()) - mean.square();
    return {statistics(rows).mean(0) - mean, (variance / static_cast<double>(rows.size(0))).sqrt()};
  }

 private:
  static std::span<double> values_in(const torch::Tensor& tensor) {
    return {tensor.data_ptr<double>(), static_cast<size_t>(tensor.numel())};
  }
  static torch::Tensor states_of(int64_t units) {
    auto states = torch::empty({int64_t{1} << units, units}, torch::kFloat64);
    for (int64_t i = 0; i < states.numel(); ++i)
      states.data_ptr<double>()[i] = static_cast<double>(i / units >> i % units & 1);
    return states;
  }
  /// [rows of means, states]: the probability of each state.
  static torch::Tensor probabilities(const torch::Tensor& means, const torch::Tensor& states) {
    return (means.log().matmul(states.t()) + (1 - means).log().matmul((1 - states).t())).exp();
  }
  Rbm as_float32() const {
    Rbm rbm(std::dynamic_pointer_cast<RbmImpl>(rbm_->clone()));
    rbm->to(torch::kFloat32);
    return rbm;
  }
  torch::Tensor statistics(const torch::Tensor& v) const {
    const auto h = rbm_->hidden_means(v);
    return torch::cat({(h.unsqueeze(2) * v.unsqueeze(1)).flatten(1), h, v}, 1);
  }

  /// Of the last step's visible units, or of the hidden ones whose means they are.
  torch::Tensor ends_from(const torch::Tensor& rows,
                          const ContrastiveDivergence& divergence) const {
    return after_hidden(probabilities(rbm_->hidden_means(rows), hidden_states_), divergence);
  }
  torch::Tensor ends_from_off(const ContrastiveDivergence& divergence) const {
    auto start = torch::zeros({1, hidden_states_.size(0)}, torch::kFloat64);
    start[0][0] = 1;
    return after_hidden(start, divergence);
  }
  torch::Tensor after_hidden(torch::Tensor hidden, const ContrastiveDivergence& divergence) const {
    const auto down = probabilities(rbm_->visible_means(hidden_states_), visible_states_);
    const auto up = probabilities(rbm_->hidden_means(visible_states_), hidden_states_);
    const auto through_means =
        probabilities(rbm_->hidden_means(rbm_->visible_means(hidden_states_)), hidden_states_);
    const auto step = divergence.sample_visible ? down.matmul(up) : through_means;
    for (int64_t i = 1; i < divergence.steps; ++i) hidden = hidden.matmul(step);
    return divergence.sample_visible ? hidden.matmul(down) : hidden;
  }

  Rbm rbm_;
  torch::Tensor visible_states_;
  torch::Tensor hidden_states_;
};

/// The mean movement in one step on these rows, over several fits that differ in their random
/// numbers.
torch::Tensor mean_movement(const EnumeratedRbm& exact, const torch::Tensor& rows,
                            const ContrastiveDivergence& divergence, EngineKind engine,
                            uint32_t replicas) {
  FitOptions fit;
  fit.epochs = 1;
  fit.batch_size = rows.size(0);
  fit.optimizer = Sgd{1, 0};
  fit.engine.kind = engine;
  torch::Tensor sum;
  for (uint32_t repeat = 0; repeat < replicas; ++repeat) {
    Random random(31, repeat);
    const auto rbm = exact.copy();
    fit_rbm(rbm, {{rows.to(torch::kFloat32), {}}, {}}, fit, divergence, random);
    const auto moved = exact.movement(rbm);
    sum = sum.defined() ? sum + moved : moved;
  }
  return sum / static_cast<double>(replicas);
}

/// Requires that every parameter moves as expected, to five standard errors of the draws.
void require_expected(const torch::Tensor& movement, const EnumeratedRbm::Moments& expected,
                      uint32_t replicas) {
  const auto error = expected.standard_error / std::sqrt(static_cast<double>(replicas));
  const auto off = ((movement - expected.mean).abs() / error).max().item<double>();
  INFO("off by " << off << " standard errors of up to " << error.max().item<double>());
  REQUIRE(off < 5);
}

TEST_CASE("An update of contrastive divergence has the mean that enumeration gives") {
  const EnumeratedRbm exact(6, 5, HiddenUnits::bernoulli);
  for (const auto& divergence :
       {ContrastiveDivergence{1}, ContrastiveDivergence{3}, ContrastiveDivergence{1, false, true},
        ContrastiveDivergence{2, false, true}, ContrastiveDivergence{2, true, true},
        ContrastiveDivergence{4, true}}) {
    INFO("steps " << divergence.steps << ", persistent " << divergence.persistent
                  << ", sampled visible units " << divergence.sample_visible);
    for (const auto engine : {EngineKind::autograd, EngineKind::dense}) {
      INFO(name_of(engine));
      const auto many = exact.rows(3000);
      require_expected(mean_movement(exact, many, divergence, engine, 1),
                       exact.expected(many, divergence), 1);
      const auto few = exact.rows(30);  // that the kernels for small batches take
      constexpr uint32_t replicas = 40;
      require_expected(mean_movement(exact, few, divergence, engine, replicas),
                       exact.expected(few, divergence), replicas);
    }
  }
}

TEST_CASE("After many Gibbs steps an update is the gradient of the log-likelihood") {
  for (const auto& [units, persistent] :
       {std::pair(HiddenUnits::bernoulli, false), std::pair(HiddenUnits::bernoulli, true),
        std::pair(HiddenUnits::gaussian, false)}) {
    const EnumeratedRbm exact(6, 5, units);
    const bool bernoulli = units == HiddenUnits::bernoulli;
    const ContrastiveDivergence divergence{bernoulli ? 100 : 200, persistent, true};
    const auto rows = exact.rows(1000);
    const auto expected = exact.expected_of_model(rows);
    REQUIRE(torch::allclose(expected.mean, exact.log_likelihood_gradient(rows), 0, 1e-12));
    if (bernoulli)  // so many steps are many: the chains have forgotten
      REQUIRE(torch::allclose(exact.expected(rows, divergence).mean, expected.mean, 0, 1e-9));
    for (const auto engine : {EngineKind::autograd, EngineKind::dense}) {
      INFO(name_of(engine) << ", Bernoulli " << bernoulli << ", persistent " << persistent);
      require_expected(mean_movement(exact, rows, divergence, engine, 1), expected, 1);
    }
  }
}

/// A way to train, for which the fast step and the reference are compared.
struct RbmCase {
  std::string name;
  Sgd sgd = {0.1, 0};
  ContrastiveDivergence divergence = {};
  HiddenUnits units = HiddenUnits::bernoulli;
  double l2 = 0;
  std::string schedule = "constant";
};

std::vector<RbmCase> rbm_cases() {
  using First = ContrastiveDivergence::FirstEpochs;
  return {
      {"plain"},
      {"momentum", {0.1, 0.9}, {}, HiddenUnits::bernoulli, 0.01},
      {"first epochs", {0.1, 0.9}, {.first = First{1, 0.5}}},
      {"first epochs without momentum", {0.1, 0.9}, {.first = First{1, 0}}},
      {"first epochs alone with momentum", {0.1, 0}, {.first = First{1, 0.5}}},
      {"nesterov", {0.1, 0.9, true}, {2}, HiddenUnits::bernoulli, 0.01, "cosine"},
      {"sampled visible units", {0.2, 0}, {3, false, true}, HiddenUnits::bernoulli, 0.02},
      {"persistent", {0.1, 0}, {1, true, true}},
      {"persistent means", {0.05, 0.5}, {2, true}, HiddenUnits::bernoulli, 0, "step:1:0.3"},
      {"gaussian", {0.005, 0.5}, {1}, HiddenUnits::gaussian, 0.001},
      {"persistent gaussian", {0.002, 0}, {2, true, true}, HiddenUnits::gaussian},
  };
}

struct TrainedRbm {
  Rbm rbm;
  std::vector<double> losses;
  StageResult result;
};

TrainedRbm train_as(const RbmCase& way, int64_t visible, int64_t hidden, int64_t batch,
                    EngineKind engine, const Split& data) {
  Random random(6, 1);
  TrainedRbm trained{
      make_rbm({visible, hidden, way.units}, small_normal_, random.initialization), {}, {}};
  FitOptions fit{2, batch, way.sgd};
  fit.l2 = way.l2;
  fit.schedule = schedule_named(way.schedule);
  fit.engine.kind = engine;
  trained.result =
      fit_rbm(trained.rbm, data, fit, way.divergence, random, {[&](const FitView& view) {
                if (view.epoch > 0) trained.losses.push_back(view.loss);
                return Next::go_on;
              }});
  return trained;
}

/// The largest difference of a parameter, as a share of the RBM's largest.
double largest_parameter_difference(const Rbm& ours, const Rbm& expected) {
  const auto values = all_parameters(expected);
  return ((all_parameters(ours) - values).abs().max() / values.abs().max()).item<double>();
}

TEST_CASE("The dense engine's RBM agrees with the reference on every shape, batch and option") {
  static_assert(rbm_kernels::most_rows == 32);
  for (const auto& [visible, hidden] : {std::pair(17, 13), std::pair(1, 1), std::pair(100, 33)}) {
    const auto data = uniform_split(70, 9, visible);
    for (const int64_t batch : {7, 32, 33, 64}) {
      for (const auto& way : rbm_cases()) {
        INFO(way.name << ", " << visible << " x " << hidden << ", batches of " << batch);
        const auto slow = train_as(way, visible, hidden, batch, EngineKind::autograd, data);
        const auto fast = train_as(way, visible, hidden, batch, EngineKind::dense, data);
        REQUIRE(slow.result.engine.name == "autograd");
        REQUIRE(fast.result.engine.name == "dense");
        CHECK(largest_parameter_difference(fast.rbm, slow.rbm) < 1e-5);
        REQUIRE(fast.losses.size() == 2);
        for (size_t epoch = 0; epoch < 2; ++epoch)
          CHECK(loss_difference(fast.losses[epoch], slow.losses[epoch]) < 1e-5);
      }
    }
  }
}

TEST_CASE("Bytes are as good as their values divided by 255") {
  RandomState random(4);
  const auto bytes = (uniform_rows(random, 50, 21) * 256).to(torch::kUInt8);
  const auto as_split = [](const torch::Tensor& values) {
    return Split{{values.slice(0, 0, 41), {}}, {values.slice(0, 41), {}}};
  };
  for (const auto& way : rbm_cases()) {
    for (const int64_t batch : {8, 40}) {
      INFO(way.name << ", batches of " << batch);
      const auto expected = train_as(way, 21, 11, batch, EngineKind::autograd,
                                     as_split(bytes.to(torch::kFloat32) / 255));
      for (const auto engine : {EngineKind::autograd, EngineKind::dense}) {
        const auto trained = train_as(way, 21, 11, batch, engine, as_split(bytes));
        CHECK(largest_parameter_difference(trained.rbm, expected.rbm) < 1e-5);
        for (size_t i = 0; i < expected.result.scores.size(); ++i) {
          CHECK(loss_difference(trained.result.scores[i].value, expected.result.scores[i].value) <
                1e-5);
        }
      }
    }
  }
}

void check_small_products() {
  RandomState random(2);
  for (const auto& [rows, hidden, visible] :
       {std::tuple(1, 1, 1), std::tuple(5, 13, 17), std::tuple(32, 70, 133)}) {
    const rbm_kernels::Shape shape{hidden, visible};
    const auto v = uniform_rows(random, rows, visible);
    const auto h = uniform_rows(random, rows, hidden) - 0.5;
    const auto w = uniform_rows(random, hidden, visible) - 0.5;
    const auto up = [&](int64_t begin, int64_t end, torch::Tensor& sums) {
      rbm_kernels::up(v.data_ptr<float>(), w.data_ptr<float>(), rows, shape, begin, end,
                      sums.data_ptr<float>());
    };
    const auto down = [&](int64_t begin, int64_t end, torch::Tensor& sums) {
      rbm_kernels::down(h.data_ptr<float>(), w.data_ptr<float>(), rows, shape, begin, end,
                        sums.data_ptr<float>());
    };
    auto whole_up = torch::empty({rows, hidden});
    auto whole_down = torch::empty({rows, visible});
    up(0, hidden, whole_up);
    down(0, visible, whole_down);
    const auto exact = [](const torch::Tensor& t) { return t.to(torch::kFloat64); };
    REQUIRE(torch::allclose(exact(whole_up), exact(v).matmul(exact(w).t()), 0, 1e-5));
    REQUIRE(torch::allclose(exact(whole_down), exact(h).matmul(exact(w)), 0, 1e-5));
    for (const double share : {0.1, 0.37, 0.5, 0.93}) {
      INFO(rows << " x " << hidden << " x " << visible << ", " << share);
      const auto of_hidden = static_cast<int64_t>(share * static_cast<double>(hidden));
      const auto of_visible = static_cast<int64_t>(share * static_cast<double>(visible));
      auto parts_up = torch::empty({rows, hidden});
      up(of_hidden, hidden, parts_up);
      up(0, of_hidden, parts_up);
      CHECK(torch::equal(parts_up, whole_up));
      auto parts_down = torch::empty({rows, visible});
      down(of_visible, visible, parts_down);
      down(0, of_visible, parts_down);
      CHECK(torch::equal(parts_down, whole_down));
      const Sgd sgd{0.1, 0.9};
      std::vector<torch::Tensor> updated;
      for (const int64_t middle : {int64_t{0}, of_hidden}) {
        auto weight = w.clone();
        auto velocity = torch::full_like(w, 0.25);
        for (const auto& [begin, end] :
             {std::pair(middle, shape.hidden), std::pair(int64_t{0}, middle)}) {
          rbm_kernels::update(sgd, 0.01, h.data_ptr<float>(), v.data_ptr<float>(), rows, shape,
                              begin, end, weight.data_ptr<float>(), velocity.data_ptr<float>());
        }
        updated.push_back(torch::stack({weight, velocity}));
      }
      CHECK(torch::equal(updated[0], updated[1]));
      const auto speed = 0.9 * 0.25 + exact(h).t().matmul(exact(v)) + 0.01 * exact(w);
      CHECK(torch::allclose(exact(updated[0]), torch::stack({exact(w) - 0.1 * speed, speed}), 0,
                            1e-5));
    }
  }
}

TEST_CASE("A part of a small product does not depend on how the product is divided") {
  for (const auto& simd : simd_targets()) {
    const WithSimd chosen(simd);
    INFO(simd);
    check_small_products();
  }
}

DeepBeliefNet small_belief_net(Random& random, HiddenUnits code = HiddenUnits::bernoulli) {
  return DeepBeliefNetOptions{{14, 10, 7, 5}, code, sigmoid_uniform_}.make(random.initialization);
}

DeepBeliefNetTraining small_training() {
  DeepBeliefNetTraining training;
  FitOptions fit{2, 8, Sgd{0.1, 0.9}};
  fit.l2 = 1e-3;
  training.phases = {fit, fit, fit};
  training.phases[1].epochs = 3;
  training.phases[1].sampling = Sampling::independent;
  training.phases[2].epochs = 1;
  training.divergences.front().first = ContrastiveDivergence::FirstEpochs{1, 0.5};
  return training;
}

TEST_CASE("Each phase moves one RBM, and no bit of another") {
  for (const auto engine : {EngineKind::autograd, EngineKind::dense}) {
    for (const auto place : {CachePlace::automatic, CachePlace::none}) {
      Random random(1, 0);
      auto net = small_belief_net(random);
      auto training = small_training();
      for (auto& phase : training.phases) {
        phase.engine.kind = engine;
        phase.engine.cache.place = place;
      }
      const auto prints = [&] {
        return std::array{fingerprint(*net->rbm(1)), fingerprint(*net->rbm(2)),
                          fingerprint(*net->rbm(3))};
      };
      auto before = prints();
      int64_t stages = 0;
      Observer observer;
      observer.on_stage = [&](const StageReport& report) {
        REQUIRE(report.info.stage == ++stages);
        const auto now = prints();
        for (int64_t k = 1; k <= 3; ++k) {
          const auto i = static_cast<size_t>(k - 1);
          REQUIRE((now.at(i) != before.at(i)) == (k == stages));
        }
        before = now;
      };
      REQUIRE(train_deep_belief_net(net, uniform_split(30, 5, 14), training, random, observer));
      REQUIRE(stages == 3);
    }
  }
}

TEST_CASE("Features of RBMs computed once or for every batch give the same, to float32 rounding") {
  std::vector<std::vector<double>> scores;
  for (const auto place : {CachePlace::memory, CachePlace::none}) {
    Random random(1, 0);
    auto net = small_belief_net(random);
    auto training = small_training();
    for (auto& phase : training.phases) phase.engine.cache.place = place;
    auto& values = scores.emplace_back();
    Observer observer;
    observer.on_stage = [&](const StageReport& report) {
      for (const auto& score : report.result.scores) values.push_back(score.value);
    };
    train_deep_belief_net(net, uniform_split(1000, 5, 14), training, random, observer);
  }
  REQUIRE(scores[0].size() == 18);
  for (size_t i = 0; i < scores[0].size(); ++i)
    REQUIRE(loss_difference(scores[0][i], scores[1][i]) < 1e-4);
}

TEST_CASE("A stack of RBMs that goes on after a stage ends with the same bits") {
  const auto data = uniform_split(30, 5, 14);
  for (const auto engine : {EngineKind::autograd, EngineKind::dense}) {
    for (const int64_t done : {1, 2}) {
      auto training = small_training();
      for (auto& phase : training.phases) phase.engine.kind = engine;
      training.divergences = {{.persistent = true, .sample_visible = true}, {2}, {1}};
      Random random(1, 0);
      auto net = small_belief_net(random, HiddenUnits::gaussian);
      Random unused(2, 0);
      auto copy = small_belief_net(unused, HiddenUnits::gaussian);
      std::string streams;
      Observer observer;
      observer.on_checkpoint = [&](int64_t stages, const torch::nn::Module& kept,
                                   const Random& at) {
        if (stages != done) return;
        copy_values(kept, *copy);
        streams = at.to_text();
      };
      REQUIRE(train_deep_belief_net(net, data, training, random, observer));
      REQUIRE(fingerprint(*copy) != fingerprint(*net));
      Random other(1, 0);
      other.restore(streams);
      std::vector<int64_t> stages;
      Observer watching;
      watching.on_stage = [&](const StageReport& report) { stages.push_back(report.info.stage); };
      REQUIRE(train_deep_belief_net(copy, data, training, other, watching, done));
      REQUIRE(stages.size() == static_cast<size_t>(3 - done));
      REQUIRE(stages.front() == done + 1);
      REQUIRE(fingerprint(*copy) == fingerprint(*net));
      REQUIRE(other.to_text() == random.to_text());
    }
  }
}

TEST_CASE("RBMs are planned as they are trained") {
  const auto data = uniform_split(30, 5, 14);
  const auto training = small_training();
  const auto plan = plan_of(training, 3, data);
  REQUIRE(plan.size() == 3);
  Random random(1, 0);
  auto net = small_belief_net(random);
  size_t stage = 0;
  Observer observer;
  observer.on_stage = [&](const StageReport& report) {
    const auto& planned = plan.at(stage++);
    REQUIRE(planned.info == report.info);
    REQUIRE(planned.epochs == report.result.fit.epochs);
    REQUIRE(planned.scores.size() == report.result.scores.size());
    for (size_t i = 0; i < planned.scores.size(); ++i) {
      REQUIRE(planned.scores[i].first == report.result.scores[i].split);
      REQUIRE(planned.scores[i].second == report.result.scores[i].metric);
    }
  };
  train_deep_belief_net(net, data, training, random, observer);
  REQUIRE(stage == 3);
}

TEST_CASE(
    "An RBM's scores are the means over all rows, however many, and those of the last batch") {
  const auto data = uniform_split(1500, 40, 12);
  Random random(3, 2);
  auto rbm = make_rbm({12, 6}, sigmoid_uniform_, random.initialization);
  FitOptions fit{1, 7, Sgd{0.05, 0}};
  fit.last_batch = LastBatch::drop;
  auto order = random;
  const auto rows = order.order.permutation(1500);
  const auto result = fit_rbm(rbm, data, fit, {}, random);
  torch::NoGradGuard no_grad;
  rbm->to(torch::kFloat64);
  const auto v = data.train.inputs.to(torch::kFloat64);
  std::vector<int64_t> numbers(1500);
  std::iota(numbers.begin(), numbers.end(), 0);
  constexpr uint32_t only_evaluates = uint32_t{1} << 31;
  const auto u = uniform_noise({{3, 2}, 1 + only_evaluates, 0, numbers}, 1).select(1, 0);
  const auto units = (u * 12).floor().to(torch::kInt64);
  const auto error = [&](const torch::Tensor& x) {
    return (rbm->visible_means(rbm->hidden_means(x)) - x).square().mean().item<double>();
  };
  const auto require_score = [&](const std::vector<Score>& scores, const std::string& split,
                                 const std::string& metric, double expected) {
    INFO(split << " " << metric);
    REQUIRE(loss_difference(value_of(scores, split, metric), expected) < 1e-5);
  };
  require_score(result.scores, "train", "mse", error(v));
  require_score(result.scores, "train", "free_energy", rbm->free_energy(v).mean().item<double>());
  require_score(result.scores, "train", "pseudo_likelihood",
                rbm->pseudo_log_likelihood(v, units).mean().item<double>());
  require_score(result.scores, "test", "mse", error(data.test.inputs.to(torch::kFloat64)));
  const auto last = v.index_select(
      0, torch::tensor(std::vector<int64_t>(rows.begin() + 1491, rows.begin() + 1498)));
  require_score(result.last_batch, "last_batch", "mse", error(last));
  require_score(result.last_batch, "last_batch", "free_energy",
                rbm->free_energy(last).mean().item<double>());
}

TEST_CASE("An RBM obeys the schedule of its learning rate, step by step") {
  const auto data = uniform_split(30, 5, 14);
  for (const auto engine : {EngineKind::autograd, EngineKind::dense}) {
    for (const int64_t batch : {4, 30}) {
      const auto trained = [&](double rate, int64_t epochs, const Schedule& schedule) {
        Random random(1, 0);
        const auto rbm = make_rbm({14, 9}, small_normal_, random.initialization);
        FitOptions fit{epochs, batch, Sgd{rate, 0}};
        fit.engine.kind = engine;
        fit.schedule = schedule;
        fit_rbm(rbm, data, fit, {}, random);
        return fingerprint(*rbm);
      };
      const auto scheduled = [](const std::function<double(const ScheduleTime&)>& factor) {
        Schedule schedule;
        schedule.factor = factor;
        return schedule;
      };
      // A half all the time, or nothing after the first epoch.
      REQUIRE(trained(0.2, 2, scheduled([](const ScheduleTime&) { return 0.5; })) ==
              trained(0.1, 2, {}));
      REQUIRE(trained(0.1, 3, scheduled([](const ScheduleTime& time) {
                        return time.epoch() == 0 ? 1.0 : 0.0;
                      })) == trained(0.1, 1, {}));
      REQUIRE(trained(0.1, 3, {}) != trained(0.1, 1, {}));
    }
  }
}

TEST_CASE("An RBM's fit ends early by its pseudo-likelihood, and the best values come back") {
  for (const auto engine : {EngineKind::autograd, EngineKind::dense}) {
    auto data = uniform_split(30, 5, 14);
    data.validation = data.test;
    Random random(1, 0);
    const auto rbm = make_rbm({14, 9}, small_normal_, random.initialization);
    FitOptions fit{200, 4, Sgd{0.5, 0.9}};
    fit.engine.kind = engine;
    fit.early_stopping =
        EarlyStopping{.metric = "pseudo_likelihood", .mode = Mode::max, .patience = 3};
    std::vector<double> seen;
    const auto result = fit_rbm(rbm, data, fit, {}, random, {[&](const FitView& view) {
                                  seen.push_back(value_of(view.engine.evaluate("validation"),
                                                          "validation", "pseudo_likelihood"));
                                  return Next::go_on;
                                }});
    REQUIRE(result.fit.epochs < 200);
    REQUIRE(value_of(result.scores, "validation", "pseudo_likelihood") ==
            *std::max_element(seen.begin(), seen.end()));
  }
}

TEST_CASE("An RBM that diverges is the last of its stack") {
  for (const auto engine : {EngineKind::autograd, EngineKind::dense}) {
    Random random(1, 0);
    auto net = small_belief_net(random);
    DeepBeliefNetTraining training;
    training.phases = {FitOptions{50, 8, Sgd{1e38, 0.9}}};
    training.phases[0].engine.kind = engine;
    std::vector<StageReport> reports;
    int64_t checkpoints = 0;
    Observer observer;
    observer.on_stage = [&](const StageReport& report) { reports.push_back(report); };
    observer.on_checkpoint = [&](int64_t, const torch::nn::Module&, const Random&) {
      ++checkpoints;
    };
    REQUIRE_FALSE(train_deep_belief_net(net, uniform_split(30, 5, 14), training, random, observer));
    REQUIRE(reports.size() == 1);
    REQUIRE(reports[0].result.diverged());
    REQUIRE(checkpoints == 0);
  }
}

TEST_CASE("Automatic takes the dense engine for an RBM where it can, and says why not") {
  const auto data = uniform_split(30, 5, 14);
  const auto use_of = [&](const FitOptions& fit, torch::ScalarType type = torch::kFloat32) {
    Random random(1, 0);
    auto rbm = make_rbm({14, 9}, small_normal_, random.initialization);
    rbm->to(type);
    return fit_rbm(rbm, in_type(data, type), fit, {}, random).engine;
  };
  FitOptions fit{1, 8, Sgd{0.1, 0}};
  REQUIRE(use_of(fit).name == "dense");
  REQUIRE(testing::contains(use_of(fit).details, processor_choices().simd));
  REQUIRE(use_of(fit, torch::kFloat64).name == "autograd");
  REQUIRE(testing::contains(use_of(fit, torch::kFloat64).reason, "float32"));
  fit.optimizer = Adam{};
  REQUIRE(use_of(fit).name == "autograd");
  REQUIRE(testing::contains(use_of(fit).reason, "optimizer"));
  fit.engine.kind = EngineKind::dense;
  REQUIRE_THROWS_AS(use_of(fit), EngineUnavailable);
  fit.optimizer = Sgd{};
  REQUIRE_THROWS_AS(use_of(fit, torch::kFloat64), EngineUnavailable);
}

/// What an action says when it throws `Exception`; empty if it throws nothing.
template <typename Exception, typename Action>
std::string refusal(const Action& action) {
  try {
    action();
  } catch (const Exception& exception) {
    return exception.what();
  }
  return {};
}

TEST_CASE("What contrastive divergence cannot do is refused with a reason") {
  const auto data = uniform_split(30, 5, 14);
  Random random(1, 0);
  const auto rbm = make_rbm({14, 9}, small_normal_, random.initialization);
  const auto said = [&](const StageView& view, const Problem& problem, const FitOptions& fit,
                        const ContrastiveDivergence& divergence) {
    return refusal<std::invalid_argument>([&] {
      auto options = fit;
      options.make_engine = contrastive_divergence(divergence);
      auto streams = random;
      fit_stage(view, problem, data, options, streams);
    });
  };
  const StageView view{{}, {Block(rbm)}};
  const Problem problem{rbm_objective(), Target::none};
  const FitOptions fit{1, 8, Sgd{0.1, 0}};
  const auto has = [](const std::string& text, const std::string& part) {
    INFO("'" << text << "'");
    REQUIRE(testing::contains(text, part));
  };
  REQUIRE(said(view, problem, fit, {}).empty());

  const StageView no_rbm{{}, {dense(14, 9, random.initialization)}};
  has(said(no_rbm, problem, fit, {}), "an Rbm");
  const StageView two{{}, {Block(rbm), Block(Rbm(RbmOptions{9, 4}))}};
  has(said(two, problem, fit, {}), "one block");

  auto corrupted = problem;
  corrupted.corruption = masking_noise(0.2);
  has(said(view, corrupted, fit, {}), "no corruption");
  auto augmented = problem;
  augmented.augmentation = {[](const torch::Tensor& x, const NoisePlace&) { return x; }};
  has(said(view, augmented, fit, {}), "no augmentation");

  const auto unavailable = [&](const FitOptions& options) {
    return refusal<EngineUnavailable>([&] {
      auto streams = random;
      fit_rbm(rbm, data, options, {}, streams);
    });
  };
  for (const auto precision : {Precision::bf16, Precision::tf32}) {
    auto rounded = fit;
    rounded.engine.precision = precision;
    has(unavailable(rounded), "fp32 only");
  }
  auto tiny = fit;
  tiny.engine.kind = EngineKind::tiny;
  has(unavailable(tiny), "tiny");

  has(refusal<std::invalid_argument>([&] {
        auto streams = random;
        fit_stage(view, problem, data, fit, streams);
      }),
      "no loss");
  auto labeled = data;
  labeled.train.targets = torch::zeros({30}, torch::kInt64);
  labeled.test.targets = torch::zeros({5}, torch::kInt64);
  has(refusal<std::invalid_argument>([&] {
        auto options = fit;
        options.make_engine = contrastive_divergence({});
        auto streams = random;
        fit_stage(view, {rbm_objective(), Target::given}, labeled, options, streams);
      }),
      "no loss");

  using First = ContrastiveDivergence::FirstEpochs;
  has(said(view, problem, fit, {.steps = 0}), "0 steps, not 1, ..., 262143");
  has(said(view, problem, fit, {.steps = 262144}), "262144 steps");
  REQUIRE_NOTHROW(check(ContrastiveDivergence{.steps = 262143}));
  has(said(view, problem, fit, {.steps = -2}), "-2 steps");
  has(said(view, problem, fit, {.first = First{0, 0.5}}), "first 0 epochs");
  has(said(view, problem, fit, {.first = First{2, 1}}), "momentum of 1");
  has(said(view, problem, fit, {.first = First{2, -0.5}}), "momentum of -0.5");
  has(said(view, problem, fit, {.first = First{2, NAN}}), "momentum of nan");
  auto adam = fit;
  adam.optimizer = Adam{};
  has(said(view, problem, adam, {.first = First{}}), "only sgd");
}

TEST_CASE("Trainings of deep belief nets that make no sense are refused") {
  const auto data = uniform_split(30, 5, 14);
  Random random(1, 0);
  auto net = small_belief_net(random);
  const auto before = fingerprint(*net);
  auto training = small_training();
  training.phases.pop_back();
  REQUIRE_THROWS_AS(train_deep_belief_net(net, data, training, random), std::invalid_argument);
  REQUIRE_THROWS_AS(plan_of(training, 3, data), std::invalid_argument);
  training = small_training();
  training.divergences.resize(2);
  REQUIRE_THROWS_AS(train_deep_belief_net(net, data, training, random), std::invalid_argument);
  REQUIRE_THROWS_AS(plan_of(training, 3, data), std::invalid_argument);
  training = small_training();
  training.divergences[0].steps = 0;
  REQUIRE_THROWS_AS(train_deep_belief_net(net, data, training, random), std::invalid_argument);
  REQUIRE_THROWS_AS(plan_of(training, 3, data), std::invalid_argument);
  training = small_training();
  training.phases[2].epochs = 0;
  REQUIRE_THROWS_AS(plan_of(training, 3, data), std::invalid_argument);
  training = small_training();
  REQUIRE_THROWS_AS(train_deep_belief_net(net, uniform_split(30, 5, 13), training, random),
                    std::invalid_argument);
  REQUIRE_THROWS_AS(train_deep_belief_net(net, in_type(data, torch::kFloat64), training, random),
                    std::invalid_argument);
  REQUIRE(fingerprint(*net) == before);
}

void check_rbms_on(torch::Device other) {
  for (const auto& way : rbm_cases()) {
    std::vector<double> scores;
    for (const auto& device : {torch::Device(torch::kCPU), other}) {
      Random random(1, 0);
      auto net = DeepBeliefNetOptions{{14, 10, 7}, way.units}.make(random.initialization);
      net->to(device);
      DeepBeliefNetTraining training;
      training.phases = {FitOptions{2, 8, way.sgd}};
      training.phases[0].l2 = way.l2;
      training.divergences = {way.divergence};
      Observer observer;
      observer.on_stage = [&](const StageReport& report) {
        if (report.info.stage == 2) scores.push_back(value_of(report.result.scores, "test", "mse"));
        if (device == other) REQUIRE(report.result.engine.name == "autograd");
      };
      REQUIRE(train_deep_belief_net(net, uniform_split(30, 5, 14).to(device), training, random,
                                    observer));
    }
    INFO(way.name);
    REQUIRE(loss_difference(scores[1], scores[0]) < 1e-4);
  }
}

TEST_CASE("RBMs on another device agree with the CPU") {
  check_rbms_on(testing::fake_device());
}

TEST_CASE("RBMs on CUDA agree with the CPU", "[cuda]") {
  if (const auto device = testing::cuda()) check_rbms_on(*device);
}

}  // namespace
}  // namespace layerwise
