#include <map>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <torch/nn/modules/linear.h>

#include "layerwise/layerwise.h"

#include "testing.h"

namespace layerwise {
namespace {

/// Images and labels as tests/reference/replay_classifier.py has them.
Split images_of(const nlohmann::json& o) {
  RandomState random(o["images"].get<uint32_t>());
  const int64_t pixels = o["height"].get<int64_t>() * o["width"].get<int64_t>();
  const auto part = [&](int64_t rows) {
    auto bytes = torch::empty({rows, pixels}, torch::kUInt8);
    for (int64_t i = 0; i < bytes.numel(); ++i)
      bytes.data_ptr<uint8_t>()[i] = static_cast<uint8_t>(random.random_sample() * 256);
    return Dataset{bytes, torch::arange(rows).remainder(10)};
  };
  const auto train = part(o["train"]);
  const auto test = part(o["test"]);
  return hold_out(train, test, o["validation"], ValidationFrom::first);
}

/// The encoder and the labelled rows of one replay.
struct Comparison {
  explicit Comparison(const nlohmann::json& o)
      : data(images_of(o)), random(o["seed"].get<uint32_t>(), o["repeat"].get<uint32_t>()) {
    network.units = o["units"].get<std::vector<int64_t>>();
    network.activation = activation_named(o["activation"]);
    if (o["initializer"] == "glorot-uniform") network.initializer = glorot_uniform_;
    DenseAutoencoder autoencoder{network.units, network.activation};
    autoencoder.initializer = network.initializer;
    encoder = autoencoder.make(random.initialization);
    StackedAutoencoderOptions pretraining;
    pretraining.shared_adam_counter = true;
    pretraining.phases.clear();
    for (size_t k = 1; k < network.units.size(); ++k) {
      FitOptions fit{o["encoder_epochs"][0], o["encoder_batch_size"], Adam{0.01}, 1e-4};
      fit.sampling = k == 1 ? Sampling::epochs : Sampling::independent;
      fit.last_batch = LastBatch::drop;
      pretraining.phases.push_back(fit);
    }
    train_stacked_autoencoder(encoder, data, pretraining, random);

    const int64_t labels = o["labels"];
    std::vector<int64_t> rows;
    if (o["subset"] == "drawn") {
      rows = StratifiedSubsets(data.train.targets, random.subsets).rows(labels);
      const StratifiedSubsets of_validation(data.validation.targets, random.subsets);
    } else {
      for (int64_t i = 0; i < labels; ++i) rows.push_back(i);
    }
    labelled = data;
    const auto index = torch::tensor(rows);
    labelled.train = {data.train.inputs.index_select(0, index),
                      data.train.targets.index_select(0, index)};
    drawn = rows;
    training.fit = {o["epochs"], o["batch_size"], Adam{o["learning_rate"]}, o["l2"]};
    training.fit.sampling = Sampling::independent;
    training.fit.hook_every = 1;
    training.head_share = o["head_share"];
  }

  ClassifierParts parts() const {
    return {[this](RandomState& draw) { return network.make(draw); },
            [this](int64_t inputs, RandomState& draw) { return network.head(inputs, draw); },
            {encoder->encoder->begin(), encoder->encoder->end()},
            principal_components(data.train.inputs, network.units.back())};
  }

  Split data;
  Split labelled;
  Random random;
  DenseClassifierOptions network;
  StackedAutoencoder encoder{nullptr};
  std::vector<int64_t> drawn;
  ClassifierTraining training;
};

const nlohmann::json& first_replay() {
  static const auto replays = testing::reference("classifier_replays.json");
  return replays[0];
}

ClassifierVariant variant_named(const std::string& name) {
  for (const auto& variant : classifier_variants())
    if (variant.name == name) return variant;
  throw std::invalid_argument(name);
}

ClassifierResult run(const Comparison& comparison, const std::string& name,
                     const ClassifierParts& parts, const Observer& observer = {}) {
  return train_classifier(variant_named(name), parts, comparison.labelled, comparison.training,
                          {1, 0, name, Task::classification, 0}, comparison.random, observer);
}

TEST_CASE("Every variant of a classifier follows PyTorch's replay from the seed, step by step") {
  for (const auto& replay : testing::reference("classifier_replays.json")) {
    const Comparison comparison(replay["options"]);
    REQUIRE(comparison.drawn == replay["rows"].get<std::vector<int64_t>>());
    REQUIRE(replay["variants"].size() == classifier_variants().size());
    const auto parts = comparison.parts();
    for (const auto& variant : classifier_variants()) {
      const auto& expected = replay["variants"][variant.name];
      std::vector<double> losses;
      Observer observer;
      observer.on_progress = [&](const StageInfo&, const FitView& view) {
        if (view.step > 0) losses.push_back(view.loss);
        return Next::go_on;
      };
      const auto result = run(comparison, variant.name, parts, observer);
      INFO(variant.name);
      const auto count = expected["losses"].size();
      REQUIRE(count >= 100);
      REQUIRE(losses.size() == static_cast<size_t>(steps_of(comparison.labelled.train.size(),
                                                            comparison.training.fit)));
      for (size_t i = 0; i < count; ++i) {
        INFO("step " << i);
        REQUIRE(testing::relative_difference(losses[i], expected["losses"][i]) <
                testing::replay_difference);
      }
      for (const auto* split : {"validation", "test"}) {
        REQUIRE(testing::relative_difference(value_of(result.stage.scores, split, "cross_entropy"),
                                             expected[std::string(split) + "_cross_entropy"]) <
                testing::replay_difference);
        REQUIRE(testing::relative_difference(value_of(result.stage.scores, split, "accuracy"),
                                             expected[std::string(split) + "_accuracy"]) < 1e-9);
      }
    }
  }
}

/// A block that counts the rows it is given, by the value of their first pixel.
class CountingImpl : public torch::nn::Module {
 public:
  explicit CountingImpl(std::map<float, int64_t>* counts) : counts_(counts) {}
  torch::Tensor forward(const torch::Tensor& x) {
    const auto marks = x.slice(1, 0, 1).contiguous().flatten();
    for (int64_t i = 0; i < marks.size(0); ++i) ++(*counts_)[marks[i].item<float>()];
    return x;
  }

 private:
  std::map<float, int64_t>* counts_;
};
TORCH_MODULE(Counting);

TEST_CASE("Test rows are read once, when the weights are final") {
  for (const bool patient : {false, true}) {
    Comparison comparison(first_replay()["options"]);
    const auto marked = [](const Dataset& data, float mark) {
      auto inputs = values_of(data.inputs).clone();
      inputs.slice(1, 0, 1).fill_(mark);
      return Dataset{inputs, data.targets};
    };
    constexpr float test_mark = 0.25F;
    comparison.labelled = {marked(comparison.labelled.train, 0.5F),
                           marked(comparison.labelled.test, test_mark),
                           marked(comparison.labelled.validation, 0.75F)};
    if (patient) comparison.training.fit.early_stopping = stopping_by_accuracy(3);
    for (const auto& variant : classifier_variants()) {
      std::map<float, int64_t> counts;
      auto parts = comparison.parts();
      auto components = parts.components;
      parts.network = [&](RandomState& draw) {
        const auto net = comparison.network.make(draw);
        auto blocks = net->blocks();
        blocks[0] = block(Counting(&counts), blocks[0]);
        return GreedyNet(blocks, *net->head->begin());
      };
      parts.head = [&](int64_t inputs, RandomState& draw) {
        return block(Counting(&counts), comparison.network.head(inputs, draw));
      };
      parts.components = block(Counting(&counts), *components);
      parts.pretrained.front() = block(Counting(&counts), parts.pretrained.front());
      int64_t before = 0;
      Observer observer;
      observer.on_progress = [&](const StageInfo&, const FitView&) {
        before += counts.count(test_mark) > 0 ? 1 : 0;
        return Next::go_on;
      };
      run(comparison, variant.name, parts, observer);
      INFO(variant.name);
      REQUIRE(before == 0);
      REQUIRE(counts[test_mark] == comparison.labelled.test.size());
    }
  }
}

TEST_CASE("Codes are standardized by the rows that are trained on, and no others") {
  const auto accuracy_trace = [](const Comparison& comparison) {
    std::vector<double> losses;
    Observer observer;
    observer.on_progress = [&](const StageInfo&, const FitView& view) {
      if (view.step > 0) losses.push_back(view.loss);
      return Next::go_on;
    };
    run(comparison, "standardized", comparison.parts(), observer);
    return losses;
  };
  Comparison comparison(first_replay()["options"]);
  const auto losses = accuracy_trace(comparison);
  auto& [train, test, validation] = comparison.labelled;
  validation.inputs = validation.inputs.bitwise_not();
  test.inputs = test.inputs.bitwise_not();
  REQUIRE(accuracy_trace(comparison) == losses);  // leaking would show from the first step on
  train.inputs = train.inputs.bitwise_not();
  REQUIRE(accuracy_trace(comparison) != losses);

  const auto codes = torch::tensor({1.0F, 5.0F, 3.0F, 5.0F}).reshape({2, 2});
  Standardize standardize(codes);
  REQUIRE(torch::equal(standardize->forward(codes),
                       torch::tensor({-1.0F, 0.0F, 1.0F, 0.0F}).reshape({2, 2})));
}

TEST_CASE("A pretrained encoder is left as it is, and starts every variant that stands on it") {
  const Comparison comparison(first_replay()["options"]);
  const auto parts = comparison.parts();
  const auto before = fingerprint(*comparison.encoder);
  std::map<std::string, double> first_loss;
  std::map<std::string, double> first_accuracy;
  for (const auto& variant : classifier_variants()) {
    Observer observer;
    observer.on_progress = [&](const StageInfo&, const FitView& view) {
      if (view.step == 1) first_loss[variant.name] = view.loss;
      return Next::go_on;
    };
    run(comparison, variant.name, parts, observer);
    REQUIRE(fingerprint(*comparison.encoder) == before);
  }
  // The same batch, codes and head; where nothing was pretrained, other codes.
  REQUIRE(testing::relative_difference(first_loss["fine-tuned"], first_loss["frozen"]) < 1e-6);
  REQUIRE(testing::relative_difference(first_loss["head-first"], first_loss["frozen"]) < 1e-6);
  REQUIRE(testing::relative_difference(first_loss["random-frozen"], first_loss["none"]) < 1e-6);
  REQUIRE(first_loss["none"] != first_loss["frozen"]);
}

TEST_CASE("With patience a fit ends early, with the weights that did best on the validation rows") {
  Comparison comparison(first_replay()["options"]);
  comparison.training.fit.epochs = 1000;
  comparison.training.fit.hook_every = 10;
  comparison.training.fit.early_stopping = stopping_by_accuracy(4);
  double best = 0;
  int64_t best_step = 0;
  int64_t last_step = 0;
  double cross_entropy_of_best = 0;
  Observer observer;
  observer.on_progress = [&](const StageInfo&, const FitView& view) {
    const auto scores = view.engine.evaluate("validation");
    const double accuracy = value_of(scores, "validation", "accuracy");
    const double cross_entropy = value_of(scores, "validation", "cross_entropy");
    if (accuracy > best || (accuracy == best && cross_entropy < cross_entropy_of_best)) {
      best = accuracy;
      cross_entropy_of_best = cross_entropy;
      best_step = view.step;
    }
    last_step = view.step;
    return Next::go_on;
  };
  for (const auto* name : {"none", "head-first"}) {
    best = best_step = last_step = 0;
    const auto result = run(comparison, name, comparison.parts(), observer);
    INFO(name);
    REQUIRE(last_step < 3000);
    if (name == std::string("head-first")) continue;  // stopping looks at its second fit only
    REQUIRE(last_step == best_step + 4 * 10);
    REQUIRE(result.best_step == best_step);
    REQUIRE(value_of(result.stage.scores, "validation", "accuracy") == best);
    REQUIRE(
        testing::relative_difference(value_of(result.stage.scores, "validation", "cross_entropy"),
                                     cross_entropy_of_best) < 1e-6);
  }
}

TEST_CASE("A variant whose part is missing is refused") {
  const Comparison comparison(first_replay()["options"]);
  auto parts = comparison.parts();
  parts.pretrained.clear();
  REQUIRE_THROWS_AS(run(comparison, "frozen", parts), std::invalid_argument);
  parts.components = std::nullopt;
  REQUIRE_THROWS_AS(run(comparison, "pca", parts), std::invalid_argument);
  parts.head = nullptr;
  REQUIRE_THROWS_AS(run(comparison, "pixels", parts), std::invalid_argument);
  parts.pretrained = {Block(torch::nn::Linear(2, 2))};
  REQUIRE_THROWS_AS(run(comparison, "frozen", parts), std::invalid_argument);
}

TEST_CASE("Principal components are uncorrelated, in falling order, and lose least") {
  RandomState random(4);
  auto values = torch::empty({200, 5}, torch::kFloat32);
  for (int64_t i = 0; i < values.numel(); ++i)
    values.data_ptr<float>()[i] =
        static_cast<float>(random.normal(3, 1 + static_cast<double>(i % 5)));
  const auto block = principal_components(values, 3);
  torch::NoGradGuard no_grad;
  auto codes = block.get<Dense>()->forward(values).to(torch::kFloat64);
  REQUIRE(codes.mean(0).abs().max().item<double>() < 1e-5);
  const auto covariance = codes.t().mm(codes) / 200;
  const auto variances = covariance.diagonal();
  REQUIRE((covariance - variances.diag()).abs().max().item<double>() < 1e-4);
  const auto all = torch::linalg_eigvalsh(
      [&] {
        const auto centered = values.to(torch::kFloat64) - values.to(torch::kFloat64).mean(0);
        return centered.t().mm(centered) / 200;
      }(),
      "L");
  REQUIRE((variances - all.slice(0, 2).flip(0)).abs().max().item<double>() < 1e-4);
  REQUIRE_THROWS_AS(principal_components(values, 6), std::invalid_argument);
}

}  // namespace
}  // namespace layerwise
