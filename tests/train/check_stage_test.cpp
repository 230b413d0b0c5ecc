#include "layerwise/train/check_stage.h"

#include <array>
#include <functional>
#include <string>
#include <vector>

#include <torch/nn/modules/batchnorm.h>
#include <torch/nn/modules/linear.h>

#include "layerwise/layerwise.h"

#include "testing.h"

/// Data that do not fit are refused in words, by every public way to train.
namespace layerwise {
namespace {

namespace nn = torch::nn;
using testing::contains;

Split some_data(int64_t rows = 20, int64_t features = 4) {
  const auto part = [&](int64_t count) {
    return Dataset{torch::rand({count, features}), torch::randint(0, 3, {count}, torch::kInt64)};
  };
  return {part(rows), part(6), part(5)};
}

FitOptions short_fit(EngineKind engine = EngineKind::automatic) {
  FitOptions fit;
  fit.epochs = 1;
  fit.batch_size = 8;
  fit.engine.kind = engine;
  return fit;
}

std::string refusal(const std::function<void()>& call) {
  try {
    call();
  } catch (const std::invalid_argument& error) {
    return error.what();
  } catch (const std::exception& error) {
    return std::string("not refused in words: ") + error.what();
  }
  return "not refused";
}

/// What each public way to train says of this data.
std::vector<std::string> refusals(const Split& data) {
  const auto deepen = [&](bool own) {
    Random random(1, 0);
    const auto hidden = [&, own](int64_t in) {
      return own ? block(nn::Linear(in, 5), nn::BatchNorm1d(5))
                 : dense(in, 5, random.initialization);
    };
    GreedyNet net(hidden(4), output(5, 3, random.initialization));
    deepen_supervised(
        net, data, {3, short_fit(), {}}, [&](auto&) { return hidden(5); }, random);
  };
  const auto reconstruct = [&] {
    Random random(1, 0);
    GreedyNet net(dense(4, 5, random.initialization), output(5, 4, random.initialization));
    deepen_autoencoder(
        net, data, {3, short_fit(), {}, {}}, [](RandomState& draw) { return dense(5, 5, draw); },
        [](RandomState& draw) { return output(5, 3, draw); }, random);
  };
  const auto stack = [&] {
    Random random(1, 0);
    DenseAutoencoder network;
    network.units = {4, 3, 2};
    auto net = network.make(random.initialization);
    StackedAutoencoderOptions training;
    training.phases = {short_fit()};
    train_stacked_autoencoder(net, data, training, random);
  };
  const auto classify = [&] {
    Random random(1, 0);
    ClassifierParts parts;
    parts.network = [](RandomState& draw) {
      return GreedyNet(dense(4, 5, draw), output(5, 3, draw));
    };
    ClassifierTraining training{short_fit()};
    train_classifier(classifier_variants().front(), parts, data, training, {}, random);
  };
  return {refusal([&] { deepen(false); }), refusal([&] { deepen(true); }), refusal(reconstruct),
          refusal(stack), refusal(classify)};
}

TEST_CASE("Inputs that do not fit are refused with the split, shapes and dtypes") {
  struct Fault {
    std::function<void(Split&)> make;
    std::vector<std::string> words;
  };
  const std::vector<Fault> faults{
      {[](Split& data) {
         data.train.inputs = torch::rand({20, 5});
       },
       {"[20, 5]|[2, 5]", "5"}},
      {[](Split& data) { data.train.inputs = data.train.inputs.to(torch::kFloat64); },
       {"train split", "Double", "Float"}},
      {[](Split& data) { data.test.inputs = data.test.inputs.to(torch::kFloat64); },
       {"test split", "Double", "Float"}},
      {[](Split& data) {
         data.validation.inputs = torch::rand({5, 7});
       },
       {"validation split", "[5, 7]"}},
      {[](Split& data) {
         data.train.inputs = torch::rand({0, 4});
       },
       {"no row"}},
      {[](Split& data) { data.train = {}; }, {"no row"}},
  };
  for (const auto& fault : faults) {
    auto data = some_data();
    fault.make(data);
    for (const auto& text : refusals(data)) {
      INFO(text);
      CHECK_FALSE(contains(text, "not refused"));
      for (const auto& word : fault.words) {
        const auto either = word.find('|');
        CHECK((contains(text, word.substr(0, either)) ||
               (either != std::string::npos && contains(text, word.substr(either + 1)))));
      }
    }
  }
}

TEST_CASE("Targets that do not fit are refused by what learns from them") {
  const std::vector<std::pair<std::function<torch::Tensor(const torch::Tensor&)>, std::string>>
      faults{
          {[](const torch::Tensor& y) { return y.to(torch::kFloat32); }, "[20] Float"},
          {[](const torch::Tensor& y) { return y.narrow(0, 0, 19); }, "20 inputs and 19 targets"},
          {[](const torch::Tensor& y) { return y.unsqueeze(1); }, "[20, 1] Long"},
          {[](const torch::Tensor& y) { return y + 1; }, "the network has 3 outputs"},
          {[](const torch::Tensor&) { return torch::Tensor(); }, "no targets"}};
  for (const auto& [spoil, words] : faults) {
    auto data = some_data();
    data.train.targets[0] = 2;
    data.train.targets = spoil(data.train.targets);
    const auto all = refusals(data);
    for (const size_t way : {0, 1, 2, 4}) {
      INFO(way << ": " << all[way]);
      CHECK(contains(all[way], words));
    }
    CHECK(all[3] == "not refused");  // a stacked autoencoder looks at no targets
  }
}

TEST_CASE("A block that does not take what it is given is named by its number") {
  auto data = some_data();
  Random random(1, 0);
  const auto words = [&](Block first, Block second) {
    return refusal([&] {
      fit_stage({{}, {first, second}}, {classification()}, data, short_fit(), random);
    });
  };
  const auto own = words(Block(nn::Linear(4, 6)), Block(nn::Linear(7, 3)));
  INFO(own);
  CHECK(contains(own, "block 2, torch::nn::Linear(in_features=7, out_features=3"));
  CHECK(contains(own, "what block 1 puts out, [2, 6] Float"));
  const auto ours = words(dense(4, 6, random.initialization), output(7, 3, random.initialization));
  INFO(ours);
  CHECK(contains(ours,
                 "block 2, Dense(7 -> 3, linear), does not take what block 1 puts out, [2, 6]"));

  FeatureCache features(data);
  const auto cached = refusal([&] {
    features.of({Block(nn::Linear(4, 6)), Block(nn::Linear(7, 3))});
  });
  INFO(cached);
  CHECK(contains(cached, "block 2"));
  CHECK(contains(refusal([&] {
                   fit_stage({{}, {dense(4, 3, random.initialization)}},
                             {reconstruction(), Target::features}, data, short_fit(), random);
                 }),
                 "puts out [2, 3], but is to reconstruct [2, 4]"));
}

TEST_CASE("A block that puts out no tensor is named") {
  struct Silent : nn::Module {
    torch::Tensor forward(const torch::Tensor&) { return {}; }
  };
  Random random(1, 0);
  const auto data = some_data();
  for (const auto& next : {Block(nn::Linear(4, 3)), output(4, 3, random.initialization)}) {
    const auto words = refusal([&] {
      fit_stage({{}, {Block(std::make_shared<Silent>()), next}}, {classification()}, data,
                short_fit(), random);
    });
    INFO(words);
    CHECK(contains(words, "block 1, "));
    CHECK(contains(words, "puts out nothing for the inputs, [2, 4] Float"));
  }
}

TEST_CASE("A last batch of one row is refused before the training by what cannot take it") {
  const auto data = some_data();  // of 20 rows
  Random random(1, 0);
  const auto words = [&](int64_t batch_size, const FitOptions& given) {
    auto options = given;
    options.batch_size = batch_size;
    nn::BatchNorm1d norm(4);
    const auto before = fingerprint(*norm);
    FeatureCache features(data);
    int steps = 0;
    const Hook counting = [&](const FitView& view) {
      steps += view.step > 0 ? 1 : 0;
      return Next::go_on;
    };
    const auto text = refusal([&] {
      fit_stage({{}, {Block(norm), Block(nn::Linear(4, 3))}}, {classification()}, features, data,
                options, random, std::array{counting});
    });
    CHECK((text == "not refused") == (steps > 0));
    if (steps == 0) CHECK(fingerprint(*norm) == before);
    return text;
  };
  CHECK(contains(words(19, {.epochs = 1}), "block 1, torch::nn::BatchNorm1d"));
  CHECK(contains(words(1, {.epochs = 1}), "[1, 4] Float"));
  CHECK(words(18, {.epochs = 1}) == "not refused");
  CHECK(words(19, {.epochs = 1, .last_batch = LastBatch::drop}) == "not refused");
  CHECK(words(19, {.steps = 1}) == "not refused");
}

TEST_CASE("The check leaves a block as it was: its mode, its values, its gradients") {
  auto data = some_data();
  nn::BatchNorm1d norm(4);
  const auto before = fingerprint(*norm);
  for (const bool training : {true, false}) {
    norm->train(training);
    check_stage({{}, {Block(norm), Block(nn::Linear(4, 3))}}, {classification()}, data);
    CHECK(norm->is_training() == training);
    CHECK(fingerprint(*norm) == before);
    CHECK_FALSE(norm->weight.grad().defined());
  }
}

/// The largest difference of two trainings' scores.
double difference(const std::vector<Score>& a, const std::vector<Score>& b) {
  REQUIRE(a.size() == b.size());
  REQUIRE_FALSE(a.empty());
  double worst = 0;
  for (size_t i = 0; i < a.size(); ++i) worst = std::max(worst, std::abs(a[i].value - b[i].value));
  return worst;
}

TEST_CASE("Bytes are the same to every algorithm and engine as their floats") {
  const auto bytes = [](const Dataset& part) {
    return Dataset{part.inputs.mul(255).to(torch::kUInt8), part.targets};
  };
  const auto data = some_data();
  const Split as_bytes{bytes(data.train), bytes(data.test), bytes(data.validation)};
  const auto floats = [](const Dataset& part) {
    return Dataset{values_of(part.inputs), part.targets};
  };
  const Split as_floats{floats(as_bytes.train), floats(as_bytes.test), floats(as_bytes.validation)};

  for (const auto engine : {EngineKind::autograd, EngineKind::dense, EngineKind::tiny}) {
    INFO(name_of(engine));
    const auto scores = [&](const auto& train) {
      const auto of = [&](const Split& split) {
        std::vector<Score> all;
        Observer observer;
        observer.on_stage = [&](const StageReport& report) {
          CHECK((report.result.fit.steps == 0 || report.result.engine.name == name_of(engine)));
          all.insert(all.end(), report.result.scores.begin(), report.result.scores.end());
        };
        train(split, observer);
        return all;
      };
      return difference(of(as_bytes), of(as_floats));
    };
    const auto fit = short_fit(engine);
    CHECK(scores([&](const Split& split, const Observer& observer) {
            Random random(1, 0);
            GreedyNet net(dense(4, 5, random.initialization), output(5, 3, random.initialization));
            deepen_supervised(
                net, split, {3, fit, {}}, [](RandomState& draw) { return dense(5, 5, draw); },
                random, observer);
          }) < 1e-6);
    CHECK(scores([&](const Split& split, const Observer& observer) {
            Random random(1, 0);
            GreedyNet net(dense(4, 5, random.initialization), output(5, 4, random.initialization));
            deepen_autoencoder(
                net, split, {3, fit, FineTuning{1}, FineTuning{1}},
                [](RandomState& draw) { return dense(5, 5, draw); },
                [](RandomState& draw) { return output(5, 3, draw); }, random, observer);
          }) < 1e-6);
    CHECK(scores([&](const Split& split, const Observer& observer) {
            Random random(1, 0);
            DenseAutoencoder network;
            network.units = {4, 3, 2};
            auto net = network.make(random.initialization);
            StackedAutoencoderOptions training;
            training.phases = {fit};
            training.fine_tuning = fit;
            train_stacked_autoencoder(net, split, training, random, observer);
          }) < 1e-6);
    CHECK(scores([&](const Split& split, const Observer& observer) {
            Random random(1, 0);
            ClassifierParts parts;
            parts.network = [](RandomState& draw) {
              return GreedyNet(dense(4, 5, draw), output(5, 3, draw));
            };
            const auto result =
                train_classifier(classifier_variants().front(), parts, split, {fit}, {}, random);
            observer.on_stage({{}, result.stage, {}});
          }) < 1e-6);
  }
}

}  // namespace
}  // namespace layerwise
