#include "layerwise/engines/engines.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <functional>
#include <limits>
#include <memory>
#include <numeric>
#include <optional>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <torch/nn/modules/linear.h>

#include "layerwise/engines/autograd_engine.h"
#include "layerwise/engines/dense_engine.h"
#include "layerwise/engines/dense_kernels.h"
#include "layerwise/engines/dense_stage.h"
#include "layerwise/engines/kernels.h"
#include "layerwise/engines/processor.h"
#include "layerwise/engines/tiny_engine.h"
#include "layerwise/nn/dense.h"
#include "layerwise/nn/initializers.h"

#include "fake_device.h"
#include "rounding.h"
#include "testing.h"

namespace layerwise {
namespace {

/// Other choices of the processor for as long as it lives.
class WithChoices {
 public:
  explicit WithChoices(const ProcessorChoices& choices) { set_processor_choices(choices); }
  ~WithChoices() { set_processor_choices(before_); }

 private:
  ProcessorChoices before_ = processor_choices();
};

/// The step that CUDA takes, as an engine, on whatever device the data are.
class DeviceEngine : public Engine {
 public:
  DeviceEngine(const StageView& view, const Problem& problem, const Split& data,
               const FitOptions& options)
      : pass_(view, problem, data, Precision::fp32),
        batch_size_(static_cast<size_t>(options.batch_size)),
        step_(make_device_step(dense_layers(view), problem, data.train, options)) {}

  double run(std::span<const int64_t> rows) override {
    step_->begin(rows);
    size_t step = 0;
    for (size_t begin = 0; begin < rows.size(); begin += batch_size_) {
      const auto batch = rows.subspan(begin, std::min(batch_size_, rows.size() - begin));
      factors_.apply(step++, [&](double factor) { step_->scale_learning_rate(factor); });
      step_->take(batch, pass_.place_of(batch, steps_++));
    }
    factors_.clear();
    return step_->take_loss() / static_cast<double>(rows.size());
  }
  std::vector<Score> evaluate(const std::string& split) override { return pass_.evaluate(split); }
  std::vector<Score> evaluate_last_batch() override { return {}; }
  void scale_learning_rate(std::span<const double> factors) override { factors_.set(factors); }

 private:
  StagePass pass_;
  size_t batch_size_;
  std::unique_ptr<DenseStep> step_;
  StepFactors factors_;
  int64_t steps_ = 0;
};

template <typename Kind>
EngineFactory maker() {
  return [](const StageView& view, const Problem& problem, const Split& data,
            const FitOptions& options) -> std::unique_ptr<Engine> {
    return std::make_unique<Kind>(view, problem, data, options);
  };
}

/// One square of the grid.
struct Case {
  std::vector<int64_t> widths;
  Activation activation = Activation::relu;
  Activation output = Activation::linear;
  Objective objective = reconstruction();
  Target target = Target::given;
  FitOptions options = {};
  std::string name = {};
  std::optional<Corruption> corruption = {};
};

constexpr double unit = std::numeric_limits<float>::epsilon();  // of float32's rounding
const double most_units = testing::allowed_difference(0) / unit;
constexpr int64_t rows = 71;  // no multiple of any batch size or vector

Split data_of(const Case& c, torch::ScalarType type) {
  RandomState random(7);
  const auto fill = [&](int64_t columns) {
    auto values = torch::empty({rows, columns}, torch::kFloat64);
    for (int64_t i = 0; i < values.numel(); ++i)
      values.data_ptr<double>()[i] = random.uniform(0, 1);
    return values.to(torch::kFloat32).to(type);  // the same numbers in either type
  };
  Dataset part{fill(c.widths.front()), {}};
  if (c.objective.loss().formula == Formula::cross_entropy) {
    part.targets = torch::empty({rows}, torch::kInt64);
    for (int64_t i = 0; i < rows; ++i)
      part.targets.data_ptr<int64_t>()[i] =
          random.interval(static_cast<uint32_t>(c.widths.back() - 1));
  } else {
    part.targets = fill(c.widths.back());
  }
  return {part, {part.inputs.narrow(0, 3, 41), part.targets.narrow(0, 3, 41)}};
}

struct Trained {
  std::vector<double> losses;  ///< of each step
  std::vector<torch::Tensor> parameters;
  std::vector<Score> test;
};

/// So many steps on one network, from the same weights in the same order, the second half at a
/// lower learning rate; from weights moved by roundings, if `moving` is given.
Trained train(const Case& c, const EngineFactory& make, torch::ScalarType type,
              torch::Device device = torch::kCPU, RandomState* moving = nullptr) {
  constexpr int64_t steps = 20;
  RandomState random(11);
  std::vector<Block> blocks;
  std::vector<Dense> layers;
  for (size_t i = 1; i < c.widths.size(); ++i) {
    const auto activation = i + 1 == c.widths.size() ? c.output : c.activation;
    layers.push_back(
        make_dense({c.widths[i - 1], c.widths[i], activation}, glorot_uniform_, random));
    torch::NoGradGuard no_grad;
    for (int64_t o = 0; o < c.widths[i]; ++o)
      layers.back()->bias[o] = static_cast<float>(random.uniform(-.1, .1));
    layers.back()->to(device, type);
    blocks.emplace_back(layers.back());
    if (moving != nullptr) testing::move_weights(blocks.back(), *moving);
  }
  const Problem problem{c.objective, c.target, c.corruption, {5, 2}, 3};
  const auto engine = make({{}, blocks}, problem, data_of(c, type).to(device), c.options);
  Trained trained;
  Random streams(3, 0);
  while (static_cast<int64_t>(trained.losses.size()) < steps) {
    const auto order = rows_of_epoch(rows, c.options, streams);
    for (size_t begin = 0; begin < order.size();
         begin += static_cast<size_t>(c.options.batch_size)) {
      const auto size = std::min(static_cast<size_t>(c.options.batch_size), order.size() - begin);
      const double factor = 0.3;
      if (trained.losses.size() >= steps / 2) engine->scale_learning_rate({&factor, 1});
      trained.losses.push_back(engine->run(std::span(order).subspan(begin, size)));
    }
  }
  for (const auto& layer : layers) {
    trained.parameters.push_back(layer->weight.detach().to(torch::kCPU, type, false, true));
    trained.parameters.push_back(layer->bias.detach().to(torch::kCPU, type, false, true));
  }
  trained.test = engine->evaluate("test");
  return trained;
}

/// The largest difference in units of float32's rounding: of losses relative to the loss, of
/// weights to the largest weight.
double difference(const Trained& a, const Trained& b) {
  double worst = 0;
  const auto take = [&](double value) {
    worst = std::isfinite(value) ? std::max(worst, value / unit)
                                 : std::numeric_limits<double>::infinity();
  };
  REQUIRE(a.losses.size() == b.losses.size());
  for (size_t i = 0; i < a.losses.size(); ++i)
    take(std::abs(a.losses[i] - b.losses[i]) / std::max(std::abs(b.losses[i]), 1e-2));
  for (size_t i = 0; i < a.parameters.size(); ++i) {
    const auto right = b.parameters[i].to(torch::kFloat64);
    const auto error = (a.parameters[i].to(torch::kFloat64) - right).abs().max().item<double>();
    take(error / std::max(right.abs().max().item<double>(), 0.1));
  }
  REQUIRE(a.test.size() == b.test.size());
  for (size_t i = 0; i < a.test.size(); ++i) {
    if (a.test[i].metric.find("accuracy") == std::string::npos)
      take(std::abs(a.test[i].value - b.test[i].value) / std::max(b.test[i].value, 1e-2));
  }
  return worst;
}

/// What float32 may differ by where it differs by more than all engines do elsewhere: where a sum
/// lies next to the kink of an activation, rounding decides, and it decides in float64, too, when
/// the first weights are moved by roundings.
double allowed_units(const Case& c, const Trained& exact) {
  double largest = 0;
  for (uint32_t run = 0; run < testing::moved_runs; ++run) {
    RandomState moving(run);
    const auto moved = train(c, maker<AutogradEngine>(), torch::kFloat64, torch::kCPU, &moving);
    largest = std::max(largest, difference(moved, exact));
  }
  return testing::allowed_difference(largest * unit) / unit;
}

std::vector<std::string> names_of_activations_with_kernels() {
  std::vector<std::string> names;
  for (const auto& name : activation_names()) {
    if (has_kernel(activation_named(name))) names.push_back(name);
  }
  return names;
}

std::vector<Case> grid() {
  const std::vector<std::pair<std::string, decltype(FitOptions::optimizer)>> optimizers{
      {"sgd", Sgd{.05, 0}},
      {"momentum", Sgd{.02, .9}},
      {"nesterov", Sgd{.02, .9, true}},
      {"adam", Adam{.003, .9, .999, 1e-3, 5}}};
  struct Loss {
    const char* name;
    Objective objective;
    Target target;
    int64_t outputs;
  };
  const std::vector<Loss> losses{{"cross-entropy", classification(), Target::given, 3},
                                 {"mse", reconstruction(), Target::given, 5},
                                 {"reconstruction", reconstruction(), Target::features, 9},
                                 {"bce", binary_reconstruction(), Target::features, 9}};
  const std::vector<std::vector<int64_t>> hidden{{}, {7}, {13, 6}, {33, 64, 1}};
  std::vector<Case> cases;
  for (const auto& name : names_of_activations_with_kernels()) {
    for (const auto& loss : losses) {
      for (const auto& [optimizer_name, optimizer] : optimizers) {
        for (const auto& widths : hidden) {
          for (const int64_t batch : {8, 32, 71}) {
            for (const double l2 : {0.0, 0.01}) {
              Case c;
              c.widths = {9};
              c.widths.insert(c.widths.end(), widths.begin(), widths.end());
              c.widths.push_back(loss.outputs);
              c.activation = activation_named(name);
              // An output with an activation of its own, where the loss takes any.
              if (loss.name == std::string("bce")) c.output = Activation::sigmoid;
              if (loss.name == std::string("mse")) c.output = c.activation;
              c.objective = loss.objective;
              c.target = loss.target;
              c.options.batch_size = batch;
              c.options.optimizer = optimizer;
              c.options.l2 = l2;
              c.name = fmt::format("{}, {}, {}, {} hidden, batch {}, l2 {}", name, loss.name,
                                   optimizer_name, widths.size(), batch, l2);
              cases.push_back(c);
            }
          }
        }
      }
    }
  }
  return cases;
}

/// Every fifth square of the grid, or every LAYERWISE_GRID_EVERY-th: CI takes them all once, and
/// fewer where each costs more, as under a sanitizer.
size_t grid_step() {
  const char* every = std::getenv("LAYERWISE_GRID_EVERY");
  return every != nullptr ? static_cast<size_t>(std::atoll(every)) : 5;
}

TEST_CASE("Every engine gives the same answer as autograd in float64, all over the grid") {
  const auto defaults = processor_choices();
  struct Candidate {
    std::string name;
    EngineFactory make;
    ProcessorChoices choices;
    bool tiny = false;
    double worst = 0;
    std::string worst_case = {};
  };
  std::vector<Candidate> candidates{{"autograd", maker<AutogradEngine>(), defaults}};
  for (const auto* multiplier : {"BLAS", "oneDNN"}) {
    if (multiplier == std::string("oneDNN") && !has_onednn()) continue;
    candidates.push_back(
        {fmt::format("dense {}", multiplier), maker<DenseEngine>(), {defaults.simd, multiplier}});
  }
  for (const auto& simd : simd_targets()) {
    candidates.push_back({"dense " + simd, maker<DenseEngine>(), {simd, defaults.multiplier}});
    candidates.push_back({"tiny " + simd, maker<TinyEngine>(), {simd, defaults.multiplier}, true});
  }
  candidates.push_back({"dense, the kernels for CUDA", maker<DeviceEngine>(), defaults});

  const size_t every = grid_step();
  const auto cases = grid();
  size_t taken = 0;
  size_t next_to_a_kink = 0;
  for (size_t i = 0; i < cases.size(); i += every) {
    const auto& c = cases[i];
    const auto exact = train(c, maker<AutogradEngine>(), torch::kFloat64);
    std::optional<double> allowed;
    for (auto& candidate : candidates) {
      if (candidate.tiny && c.objective.loss().formula == Formula::binary_cross_entropy) continue;
      const WithChoices choices(candidate.choices);
      const double units = difference(train(c, candidate.make, torch::kFloat32), exact);
      ++taken;
      if (units >= most_units) {
        if (!allowed) allowed = allowed_units(c, exact);
        if (units < *allowed) continue;
      }
      if (!(units <= candidate.worst)) {
        candidate.worst = units;
        candidate.worst_case = c.name;
      }
    }
    next_to_a_kink += allowed.has_value();
  }
  REQUIRE(taken > 10000 / every);
  INFO("squares where rounding decides at a kink: " << next_to_a_kink);
  CHECK(100 * every * next_to_a_kink < cases.size());
  for (const auto& candidate : candidates) {
    INFO(candidate.name << ": " << candidate.worst << " units in " << candidate.worst_case);
    CHECK(candidate.worst < most_units);
  }
}

/// A small autoencoder of inputs that are corrupted.
Case denoising(std::optional<Corruption> corruption) {
  Case c;
  c.widths = {9, 33, 9};
  c.activation = Activation::elu;
  c.target = Target::features;
  c.options.batch_size = 32;
  c.options.optimizer = Sgd{.05, .9};
  c.corruption = std::move(corruption);
  return c;
}

std::vector<Corruption> corruptions() {
  auto own = masking_noise(.3);
  own.kind = NoiseKind::other;
  return {gaussian_noise(.3), masking_noise(.3), input_dropout(.3), salt_and_pepper_noise(.3), own};
}

TEST_CASE("Every engine corrupts with the same numbers") {
  for (const auto& corruption : corruptions()) {
    const auto c = denoising(corruption);
    INFO("kind " << static_cast<int>(corruption.kind));
    const auto exact = train(c, maker<AutogradEngine>(), torch::kFloat64);
    for (const auto& make : {maker<AutogradEngine>(), maker<DenseEngine>(), maker<DeviceEngine>()})
      CHECK(difference(train(c, make, torch::kFloat32), exact) < most_units);
  }
}

/// An engine on a device that is no CPU: every so many squares of the grid, and every corruption.
void check_engine_on(torch::Device device, const EngineFactory& make, size_t every) {
  const auto check = [&](const Case& c) {
    const auto exact = train(c, maker<AutogradEngine>(), torch::kFloat64);
    const double units = difference(train(c, make, torch::kFloat32, device), exact);
    CHECK((units < most_units || units < allowed_units(c, exact)));
  };
  const auto cases = grid();
  for (size_t i = 0; i < cases.size(); i += every) {
    INFO(cases[i].name);
    check(cases[i]);
  }
  for (const auto& corruption : corruptions()) {
    INFO("corruption of kind " << static_cast<int>(corruption.kind));
    check(denoising(corruption));
  }
}

TEST_CASE("The dense engine's graphs on CUDA give the same answer", "[cuda]") {
  if (const auto device = testing::cuda())
    check_engine_on(*device, maker<DenseEngine>(), grid_step());
}

TEST_CASE("The kernels for CUDA, as loops, mix no devices") {
  constexpr size_t every = 97;  // coprime to the numbers of choices
  check_engine_on(testing::fake_device(), maker<DeviceEngine>(), every);
}

TEST_CASE("However many steps, the kernels for CUDA wait once an epoch, for its loss") {
  for (const auto& [batch_size, corruption] :
       {std::pair(8, std::optional<Corruption>()), std::pair(8, std::optional(masking_noise(.3))),
        std::pair(35, std::optional(masking_noise(.3)))}) {
    auto c = denoising(corruption);
    c.options.batch_size = batch_size;
    const auto device = testing::fake_device();
    RandomState random(11);
    const std::vector<Block> blocks{dense(9, 7, random), output(7, 9, random)};
    for (const auto& block : blocks) block.ptr()->to(device);
    const auto engine =
        maker<DeviceEngine>()({{}, blocks}, {c.objective, Target::features, corruption, {5, 2}, 3},
                              data_of(c, torch::kFloat32).to(device), c.options);
    std::vector<int64_t> order(rows);
    std::iota(order.begin(), order.end(), 0);
    std::vector<testing::FakeDeviceUse> epochs;
    for (int epoch = 0; epoch < 3; ++epoch) {
      const auto before = testing::fake_device_use();
      engine->run(order);
      const auto after = testing::fake_device_use();
      epochs.push_back({after.allocations - before.allocations, after.uploads - before.uploads,
                        after.waits - before.waits});
    }
    for (const auto& epoch : {epochs[1], epochs[2]}) {
      CHECK(epoch.waits == 1);
      CHECK(epoch.uploads == 1);
      CHECK(epoch.allocations == 2);  // the order of its rows, and the sum of its losses
    }
  }
}

TEST_CASE("The kernels for CUDA take more rows at once than the training set has") {
  Case c;
  c.widths = {9, 7, 3};
  c.objective = classification();
  c.options.batch_size = 8;
  const auto data = data_of(c, torch::kFloat32);
  std::vector<int64_t> order(rows);
  std::iota(order.begin(), order.end(), 0);
  auto twice = order;
  twice.insert(twice.end(), order.begin() + rows % c.options.batch_size, order.end());
  std::vector<double> losses;
  for (const auto& make : {maker<AutogradEngine>(), maker<DeviceEngine>()}) {
    RandomState random(11);
    const std::vector<Block> blocks{dense(9, 7, random), output(7, 3, random)};
    const auto engine = make({{}, blocks}, {c.objective}, data, c.options);
    engine->run(order);
    losses.push_back(engine->run(twice));
    losses.push_back(engine->run(order));
  }
  CHECK(testing::relative_difference(losses[2], losses[0]) < 1e-6);
  CHECK(testing::relative_difference(losses[3], losses[1]) < 1e-6);
}

TEST_CASE("What is not a number, or infinite, ends in a loss that is not, in every engine") {
  for (const auto& name : names_of_activations_with_kernels()) {
    for (const bool classifies : {true, false}) {
      Case c;
      c.widths = {9, 7, 5, 3};
      c.activation = activation_named(name);
      if (classifies) c.objective = classification();
      c.options.batch_size = 8;
      const auto data = data_of(c, torch::kFloat32);
      for (const double poison : {std::numeric_limits<double>::quiet_NaN(), 1e38}) {
        RandomState random(11);
        for (const auto& make :
             {maker<AutogradEngine>(), maker<DenseEngine>(), maker<TinyEngine>()}) {
          std::vector<Block> blocks;
          for (size_t i = 1; i < c.widths.size(); ++i) {
            const auto activation = i + 1 == c.widths.size() ? c.output : c.activation;
            blocks.emplace_back(
                make_dense({c.widths[i - 1], c.widths[i], activation}, glorot_uniform_, random));
          }
          // In the last layer, behind what saturates.
          blocks.back().ptr()->as<DenseImpl>()->weight.detach().fill_(poison);
          if (std::isfinite(poison))
            blocks.back().ptr()->as<DenseImpl>()->bias.detach().fill_(3e38);
          if (std::isnan(poison)) blocks.front().ptr()->as<DenseImpl>()->bias.detach()[0] = poison;
          const auto engine = make({{}, blocks}, {c.objective}, data, c.options);
          INFO(name << ", " << engine->use().name << ", " << poison);
          std::vector<int64_t> order(rows);
          std::iota(order.begin(), order.end(), 0);
          const double loss = engine->run(order);
          CHECK_FALSE(std::isfinite(loss));
          CHECK_FALSE(std::isfinite(engine->evaluate("test").back().value));
          if (classifies) CHECK(std::isnan(engine->evaluate("test").front().value));
        }
      }
    }
  }
}

TEST_CASE("A label that the network has no output for is refused") {
  for (const int64_t label : {-1, 3}) {
    Case c;
    c.widths = {9, 3};
    c.objective = classification();
    auto data = data_of(c, torch::kFloat32);
    data.train.targets[7] = label;
    RandomState random(1);
    for (const auto& make : {maker<DenseEngine>(), maker<TinyEngine>()}) {
      const auto layer = make_dense({9, 3, Activation::linear}, glorot_uniform_, random);
      CHECK_THROWS_AS(make({{}, {Block(layer)}}, {c.objective}, data, c.options),
                      std::invalid_argument);
    }
  }
}

TEST_CASE("auto takes the fastest engine that can, and says why no faster one") {
  RandomState random(1);
  const auto choice = [&](std::vector<int64_t> widths, const Problem& problem,
                          EngineOptions options = {}) {
    Case c;
    c.widths = std::move(widths);
    c.objective = problem.objective;
    std::vector<Block> blocks;
    for (size_t i = 1; i < c.widths.size(); ++i) {
      blocks.emplace_back(
          make_dense({c.widths[i - 1], c.widths[i], Activation::sigmoid}, glorot_uniform_, random));
    }
    FitOptions fit;
    fit.engine = options;
    return make_engine({{}, blocks, 0}, problem, data_of(c, torch::kFloat32), fit)->use();
  };
  const auto use = [](const EngineUse& chosen) { return chosen.name + ": " + chosen.reason; };
  const Problem plain{reconstruction(), Target::features};
  CHECK(use(choice({9, 64, 9}, plain)) == "tiny: dense layers of at most 64 units, on the CPU");
  CHECK(use(choice({9, 65, 9}, plain)) ==
        "dense: dense layers; not tiny: a layer has 65 units, and it takes up to 64");
  CHECK(choice({9, 5, 9}, {binary_reconstruction(), Target::features}).name == "dense");
  Problem noisy = plain;
  noisy.corruption = masking_noise(0.5);
  CHECK(use(choice({9, 5, 9}, noisy)) == "dense: dense layers; not tiny: the inputs are corrupted");
  CHECK(use(choice({9, 5, 9}, {sparse(reconstruction(), {}), Target::features})) ==
        "autograd: not tiny or dense: the objective has more than one term");
  CHECK(use(choice({9, 5, 9}, {emphasized(reconstruction(), {}), Target::features})) ==
        "autograd: not tiny or dense: the loss is not plain mse");
  if (has_bf16())
    CHECK(choice({9, 5, 9}, plain, {EngineKind::automatic, Precision::bf16}).name == "dense");
  CHECK_THROWS_AS(choice({9, 65, 9}, plain, {EngineKind::tiny}), EngineUnavailable);
  CHECK_THROWS_WITH(choice({9, 5, 9}, noisy, {EngineKind::tiny}),
                    "the tiny engine cannot do this: the inputs are corrupted");
  if (has_bf16()) {
    CHECK(choice({9, 5, 9}, plain, {EngineKind::autograd, Precision::bf16}).name == "autograd");
  } else {
    CHECK_THROWS_AS(choice({9, 5, 9}, plain, {EngineKind::autograd, Precision::bf16}),
                    EngineUnavailable);
  }
}

TEST_CASE("An engine of one's own takes the place of all others") {
  struct Own : AutogradEngine {
    Own(const StageView& view, const Problem& problem, const Split& data, const FitOptions& options)
        : AutogradEngine(view, problem, data, options) {
      explain("own", "because");
    }
  };
  RandomState random(1);
  Case c;
  c.widths = {9, 9};
  c.options.engine.kind = EngineKind::tiny;
  c.options.make_engine = maker<Own>();
  const auto engine =
      make_engine({{}, {output(9, 9, random)}}, {reconstruction(), Target::features},
                  data_of(c, torch::kFloat32), c.options);
  CHECK(engine->use() == EngineUse{"own", "because", ""});
}

TEST_CASE("Tied weights and blocks of one's own are left to autograd") {
  RandomState random(1);
  const auto layer = make_dense({9, 5, Activation::elu}, glorot_uniform_, random);
  Case c;
  c.widths = {9, 9};
  const auto data = data_of(c, torch::kFloat32);
  const Problem problem{reconstruction(), Target::features};
  const auto tied = make_engine(
      {{}, {Block(layer), Block(TransposedDense(layer, Activation::linear))}}, problem, data, {});
  CHECK(tied->use().reason == "not tiny or dense: weights are tied");
  const auto own = make_engine({{}, {Block(torch::nn::Linear(9, 9))}}, problem, data, {});
  CHECK(own->use().name == "autograd");
  CHECK(testing::contains(own->use().reason, "block 1 is no Dense but"));
}

TEST_CASE("What there is no kernel for is left to autograd, and never computed as something else") {
  RandomState random(1);
  const auto unknown = static_cast<Activation>(99);
  const std::vector<Block> blocks{Block(make_dense({9, 5, unknown}, glorot_uniform_, random)),
                                  output(5, 9, random)};
  Case c;
  c.widths = {9, 9};
  const auto data = data_of(c, torch::kFloat32);
  const Problem problem{reconstruction(), Target::features};
  const auto chosen = make_engine({{}, blocks}, problem, data, {});
  CHECK(chosen->use().name == "autograd");
  CHECK(testing::contains(chosen->use().reason, "no kernel for block 1's activation"));
  for (const auto kind : {EngineKind::dense, EngineKind::tiny}) {
    FitOptions asking;
    asking.engine.kind = kind;
    CHECK_THROWS_AS(make_engine({{}, blocks}, problem, data, asking), EngineUnavailable);
  }
  // Behind the engines' backs the kernels refuse, too.
  for (const auto& simd : simd_targets()) {
    const WithChoices choices({simd, processor_choices().multiplier});
    std::vector<float> y(8, 1.0F);
    CHECK_THROWS_AS(
        dense_kernels::add_bias_and_activate(y.data(), y.data(), 1, 8, unknown, nullptr),
        std::logic_error);
  }

  for (const auto formula : {Formula::other, Formula::accuracy, Formula::rounded_accuracy}) {
    Problem odd = problem;
    odd.objective.terms[0].metric.formula = formula;
    const std::vector<Block> known{dense(9, 5, random), output(5, 9, random)};
    CHECK(make_engine({{}, known}, odd, data, {})->use().name == "autograd");
  }
}

TEST_CASE("Every engine takes bytes as inputs and as targets") {
  Case c;
  c.widths = {9, 7, 9};
  c.options.batch_size = 8;
  const auto floats = data_of(c, torch::kFloat32);
  const auto as_bytes = [](const torch::Tensor& values) {
    return values.mul(255).to(torch::kUInt8);
  };
  const Dataset bytes{as_bytes(floats.train.inputs), as_bytes(floats.train.targets)};
  const Dataset scaled{values_of(bytes.inputs), values_of(bytes.targets)};
  std::vector<int64_t> order(rows);
  std::iota(order.begin(), order.end(), 0);
  for (const auto& make : {maker<AutogradEngine>(), maker<DenseEngine>(), maker<TinyEngine>(),
                           maker<DeviceEngine>()}) {
    std::vector<double> values;
    for (const auto& data : {bytes, scaled}) {
      RandomState random(11);
      const std::vector<Block> blocks{dense(9, 7, random), output(7, 9, random)};
      const auto engine = make({{}, blocks}, {c.objective}, {data, data}, c.options);
      for (int epoch = 0; epoch < 3; ++epoch) values.push_back(engine->run(order));
      values.push_back(engine->evaluate("test").front().value);
    }
    for (size_t i = 0; i < 4; ++i)
      CHECK(testing::relative_difference(values[i], values[i + 4]) < 1e-6);
  }
}

TEST_CASE("Denormals are flushed while an engine runs, and the setting is restored") {
  volatile float smallest = std::numeric_limits<float>::min();
  volatile float half = 0.5F;
  REQUIRE(smallest * half > 0);
  {
    const FlushDenormals flush;
    REQUIRE(smallest * half == 0);
    const FlushDenormals nested;
  }
  REQUIRE(smallest * half > 0);
  for (const auto& make : {maker<DenseEngine>(), maker<TinyEngine>()}) {
    Case c;
    c.widths = {9, 5, 5};
    c.options.batch_size = 8;
    train(c, make, torch::kFloat32);
    REQUIRE(smallest * half > 0);
  }
}

/// The differences from float64, in units of the rounding of bf16's or tf32's factors, are a few.
void check_rounded_factors(Precision precision, const EngineFactory& make,
                           torch::Device device = torch::kCPU) {
  auto c = denoising(std::nullopt);
  const auto exact = train(c, maker<AutogradEngine>(), torch::kFloat64);
  c.options.engine.precision = precision;
  const auto rounded = train(c, make, torch::kFloat32, device);
  const double bits_lost = precision == Precision::bf16 ? 16 : 13;
  const double units = difference(rounded, exact) / std::exp2(bits_lost);
  CHECK(units < 4);
  CHECK(units > 1e-3);  // it is not float32
}

TEST_CASE("bf16 stays within the rounding of its factors") {
  check_rounded_factors(Precision::bf16, maker<DeviceEngine>());
  if (has_bf16()) {
    check_rounded_factors(Precision::bf16, maker<DenseEngine>());
  } else {
    WARN("skipped: this processor does not multiply bf16");
  }
}

TEST_CASE("tf32 is refused on the CPU") {
  Case c;
  c.widths = {9, 9};
  c.options.engine.precision = Precision::tf32;
  RandomState random(1);
  CHECK_THROWS_AS(make_engine({{}, {output(9, 9, random)}}, {reconstruction(), Target::features},
                              data_of(c, torch::kFloat32), c.options),
                  EngineUnavailable);
}

TEST_CASE("bf16 in the kernels for CUDA, as loops, stays within the rounding of its factors") {
  check_rounded_factors(Precision::bf16, maker<DeviceEngine>(), testing::fake_device());
}

TEST_CASE("bf16 and tf32 on CUDA stay within the rounding of their factors", "[cuda]") {
  if (!testing::cuda()) return;
  for (const auto precision : {Precision::bf16, Precision::tf32})
    check_rounded_factors(precision, maker<DenseEngine>(), torch::kCUDA);
}

}  // namespace
}  // namespace layerwise
