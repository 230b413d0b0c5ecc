#include "blobs/study_arms.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include <fmt/format.h>

#include "layerwise/pretraining/autoencoder_deepening.h"
#include "layerwise/pretraining/supervised_deepening.h"

namespace layerwise::apps {

namespace {

StageInfo classification_at(int64_t stage, int64_t layers, const char* extra = "") {
  return {stage, layers, extra, Task::classification};
}

PlannedFit planned(const StageInfo& info, int64_t epochs, const Split& data) {
  return {info, epochs, scores_of(names_of(data), {"accuracy", "cross_entropy"})};
}

/// The same of a fit that trains hidden layers.
PlannedFit planned_with_code(const StageInfo& info, int64_t epochs, const Split& data) {
  auto fit = planned(info, epochs, data);
  add_code_scores(fit);
  return fit;
}

/// A network of `layers` layers whose weights are all random, drawn from the first layer up.
GreedyNet random_net(const Training& training, int64_t layers, const Split& data, int64_t classes,
                     const c10::Device& device, RandomState& draw) {
  std::vector<Block> blocks;
  for (int64_t inputs = data.train.inputs.size(1); layers > 1; --layers, inputs = training.units)
    blocks.push_back(training.hidden(inputs, draw));
  const auto features = blocks.empty() ? data.train.inputs.size(1) : training.units;
  GreedyNet net(blocks, output(features, classes, draw));
  net->to(device);
  return net;
}

/// Makes and trains the arms of one study.
class Classifiers {
 public:
  Classifiers(const ArmOptions& options, const Split& data)
      : training_(options.classifier),
        fine_tuning_(options.fine_tuning),
        fit_(options.classifier.options(options.engine)),
        classes_(options.data.centers),
        data_(data) {}

  /// Deepening with one change; all weights are fine-tuned at the end.
  Arm deepening(const char* name, const char* description, EarlierBlocks earlier,
                bool fresh_head) const {
    auto options = deepening_options();
    options.earlier_blocks = earlier;
    if (fresh_head) {
      options.head = HeadPolicy::fresh;
      options.next_head = head();
    }
    return {name, description, plan_of(options, data_),
            [self = *this, options](Repeat& repeat, const Split& data) {
              auto net = self.first_net(repeat, data);
              deepen_supervised(net, data, options, self.training_.next_block(), repeat.random,
                                repeat.observer);
            }};
  }

  /// Greedy deepening, with a probe at every depth.
  Arm greedy() const {
    auto plan = plan_of(deepening_options(), data_);
    for (int64_t layers = 2; layers <= training_.layers; ++layers)
      plan.push_back(planned(classification_at(layers - 1, layers, probe), fit_.epochs, data_));
    return {arm::greedy, "a layer a stage, the others frozen, the head kept (the tutorial)", plan,
            [self = *this](Repeat& repeat, const Split& data) { self.run_greedy(repeat, data); }};
  }

  /// All layers from random weights, at every depth.
  /// @param epochs of each depth
  Arm at_once(const char* name, const char* description,
              const std::function<int64_t(int64_t layers)>& epochs) const {
    Plan plan;
    for (int64_t layers = 2; layers <= training_.layers; ++layers)
      plan.push_back(
          planned_with_code(classification_at(layers - 1, layers), epochs(layers), data_));
    plan.push_back(tuned(training_.layers));
    return {name, description, plan, [self = *this, epochs](Repeat& repeat, const Split& data) {
              const auto start = repeat.random;
              for (int64_t layers = 2; layers <= self.training_.layers; ++layers) {
                auto random = start;
                auto net = random_net(self.training_, layers, data, self.classes_, repeat.device,
                                      random.initialization);
                const bool last = layers == self.training_.layers;
                self.fit_all(net, layers - 1, epochs(layers), last, data, random, repeat);
              }
            }};
  }

  /// A network with one hidden layer.
  Arm two_layers(const char* name, const std::string& description, int64_t units,
                 int64_t epochs) const {
    auto training = training_;
    training.units = units;
    return {name,
            description,
            {planned_with_code(classification_at(1, 2), epochs, data_), tuned(2)},
            [self = *this, training, epochs](Repeat& repeat, const Split& data) {
              auto net = random_net(training, 2, data, self.classes_, repeat.device,
                                    repeat.random.initialization);
              self.fit_all(net, 1, epochs, true, data, repeat.random, repeat);
            }};
  }

  /// Fine-tuning without anything before it.
  Arm random_fine_tuned() const {
    const auto layers = training_.layers;
    const auto fit = fine_tuning_.applied_to(fit_);
    return {arm::random_fine_tuned,
            "fine-tuning alone, from random weights",
            {planned_with_code(classification_at(layers - 1, layers), fit.epochs, data_)},
            [self = *this, layers, fit](Repeat& repeat, const Split& data) {
              auto net = random_net(self.training_, layers, data, self.classes_, repeat.device,
                                    repeat.random.initialization);
              StageRunner runner(net, data, repeat.observer, {.code_statistics = true});
              runner.fit(classification_at(layers - 1, layers), data, classification(), fit,
                         repeat.random);
            }};
  }

  Arm softmax() const {
    return {arm::softmax,
            "softmax regression: the head alone, on the inputs",
            {planned(classification_at(1, 1), fit_.epochs, data_)},
            [self = *this](Repeat& repeat, const Split& data) {
              auto net = random_net(self.training_, 1, data, self.classes_, repeat.device,
                                    repeat.random.initialization);
              StageRunner runner(net, data, repeat.observer);
              runner.fit(classification_at(1, 1), data, classification(), self.fit_, repeat.random);
            }};
  }

 private:
  SupervisedDeepeningOptions deepening_options() const {
    SupervisedDeepeningOptions options{training_.layers, fit_, fine_tuning_};
    options.code_statistics = true;
    return options;
  }

  BlockFactory head() const {
    return [units = training_.units, classes = classes_](RandomState& draw) {
      return output(units, classes, draw);
    };
  }

  PlannedFit tuned(int64_t layers) const {
    return planned_with_code(classification_at(layers, layers, fine_tuned), fine_tuning_.epochs,
                             data_);
  }

  GreedyNet first_net(Repeat& repeat, const Split& data) const {
    auto net = training_.net(data.train.inputs.size(1), classes_, repeat.random);
    net->to(repeat.device);
    return net;
  }

  /// Fits all blocks, and once more with the options of fine-tuning.
  void fit_all(GreedyNet& net, int64_t stage, int64_t epochs, bool fine_tune, const Split& data,
               Random& random, const Repeat& repeat) const {
    StageRunner runner(net, data, repeat.observer, {.code_statistics = true});
    auto fit = fit_;
    fit.epochs = epochs;
    const auto layers = net->layers();
    const auto done =
        runner.fit(classification_at(stage, layers), data, classification(), fit, random);
    if (!fine_tune || done.diverged()) return;
    net->unfreeze();
    runner.fit(classification_at(layers, layers, fine_tuned), data, classification(),
               fine_tuning_.applied_to(fit), random);
  }

  void run_greedy(Repeat& repeat, const Split& data) const {
    auto net = first_net(repeat, data);
    const auto options = deepening_options();
    auto observer = repeat.observer;
    observer.on_checkpoint = [&](int64_t stage, const torch::nn::Module&, const Random& random) {
      run_probe(net, stage, random, data, repeat);
    };
    deepen_supervised(net, data, options, training_.next_block(), repeat.random, observer);
  }

  /// Fits a new head on the frozen blocks with a copy of the random streams, and puts the old one
  /// back.
  void run_probe(GreedyNet& net, int64_t stage, Random random, const Split& data,
                 const Repeat& repeat) const {
    const Block own = net->exchange_head(make_block(head(), stage, random));
    StageRunner runner(net, data, repeat.observer);
    runner.fit(classification_at(stage, net->layers(), probe), data, classification(), fit_,
               random);
    net->exchange_head(own);
  }

  Training training_;
  FineTuning fine_tuning_;
  FitOptions fit_;
  int64_t classes_;
  Split data_;
};

/// The number of trained parameters of a network with `hidden` hidden layers of `units` units.
int64_t parameters(int64_t inputs, int64_t units, int64_t hidden, int64_t classes) {
  return inputs * units + units + (hidden - 1) * (units * units + units) + units * classes +
         classes;
}

/// The width of one hidden layer with as many parameters as that network.
int64_t equal_width(int64_t inputs, int64_t units, int64_t hidden, int64_t classes) {
  const auto count = static_cast<double>(parameters(inputs, units, hidden, classes) - classes);
  return std::lround(count / static_cast<double>(inputs + 1 + classes));
}

/// A score without a fit.
Arm bayes_arm(const BlobsData& data) {
  const auto info = classification_at(1, 0);
  return {arm::bayes,
          "the Bayes rule, which knows the centers",
          {{info, 0, scores_of({"train", "test"}, {"accuracy"})}},
          [&data, info](Repeat& repeat, const Split&) {
            const auto blobs = data.make(repeat.number);
            LabelledPoints train = blobs;
            train.points = blobs.points.slice(0, 0, data.train_rows());
            train.labels = blobs.labels.slice(0, 0, data.train_rows());
            StageReport report{info, {}, {}};
            report.result.scores = {
                {"train", "accuracy", bayes_accuracy(train, data.cluster_std)},
                {"test", "accuracy",
                 bayes_accuracy(data.test_points(repeat.number), data.cluster_std)}};
            repeat.observer.on_stage(report);
          }};
}

/// An autoencoder that is deepened, and what it is changed by.
Arm deepened_autoencoder(const std::string& name, const std::string& description,
                         const ArmOptions& options, const Training& training, bool fine_tune,
                         bool standardize, const Split& data) {
  AutoencoderDeepeningOptions deepening{
      training.layers, training.options(options.engine), {}, {}, /*code_statistics=*/true};
  if (fine_tune)
    deepening.fine_tune_autoencoder = deepening.fine_tune_classifier = options.fine_tuning;
  return {name, description, plan_of(deepening, data),
          [=, classes = options.data.centers](Repeat& repeat, const Split& given) {
            const auto own = standardize ? standardized(given) : given;
            const auto features = own.train.inputs.size(1);
            auto net = training.net(features, features, repeat.random);
            net->to(repeat.device);
            const auto classifier = [&](RandomState& draw) {
              return output(training.units, classes, draw);
            };
            deepen_autoencoder(net, own, deepening, training.next_block(), classifier,
                               repeat.random, repeat.observer);
          }};
}

}  // namespace

std::vector<Arm> supervised_arms(const ArmOptions& options, const Split& data) {
  const Classifiers make(options, data);
  const auto& training = options.classifier;
  const auto layers = training.layers;
  const auto all_stages = [epochs = training.epochs](int64_t depth) {
    return (depth - 1) * epochs;
  };
  const auto wide =
      equal_width(options.data.features, training.units, layers - 1, options.data.centers);
  return {make.greedy(),
          make.deepening(arm::fresh_head, "the same, with a new head in each stage",
                         EarlierBlocks::frozen, true),
          make.deepening(arm::not_frozen, "the same, with nothing frozen", EarlierBlocks::trained,
                         false),
          make.deepening(arm::random_prefix, "the same, with earlier blocks random and frozen",
                         EarlierBlocks::random, false),
          make.at_once(arm::at_once, "all layers at once, as many epochs as one stage",
                       [epochs = training.epochs](int64_t) { return epochs; }),
          make.at_once(arm::at_once_long, "all layers at once, as many epochs as all stages",
                       all_stages),
          make.two_layers(arm::two_layers_long, "two layers, as many epochs as all stages",
                          training.units, all_stages(layers)),
          make.two_layers(arm::two_layers_wide,
                          fmt::format("two layers with as many parameters: {} units", wide), wide,
                          training.epochs),
          make.random_fine_tuned(),
          make.softmax(),
          bayes_arm(options.data)};
}

std::vector<Arm> unsupervised_arms(const ArmOptions& options, const Split& data) {
  const auto& plain = options.autoencoder;
  std::vector<Arm> arms{deepened_autoencoder(arm::autoencoder, "the tutorial's settings", options,
                                             plain, true, false, data)};
  const auto add = [&](const std::string& name, const std::string& description,
                       const Training& training, bool standardize) {
    arms.push_back(
        deepened_autoencoder(name, description, options, training, false, standardize, data));
  };
  add("standardized", "standardized inputs", plain, true);
  for (const double rate : {0.003, 0.001}) {
    auto training = plain;
    training.optimizer.learning_rate = rate;
    add(fmt::format("rate_{}", rate), fmt::format("a learning rate of {}", rate), training, false);
  }
  for (const auto activation : {Activation::leaky_relu, Activation::elu, Activation::tanh}) {
    auto training = plain;
    training.activation = activation;
    add(name_of(activation), fmt::format("{} instead of ReLU", name_of(activation)), training,
        false);
  }
  auto both = plain;
  both.optimizer.learning_rate = 0.003;
  add("standardized_rate_0.003", "standardized inputs and a learning rate of 0.003", both, true);
  return arms;
}

}  // namespace layerwise::apps
