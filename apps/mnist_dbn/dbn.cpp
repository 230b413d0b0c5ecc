#include "mnist_dbn/dbn.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "layerwise/pretraining/pretrained_classifier.h"
#include "layerwise/study/checkpoints.h"

#include "common/encoders.h"

namespace layerwise::apps {

namespace {

constexpr auto rbm_group = "RBMs";
constexpr auto tuning_group = "All layers";

void tune_classifier(const DbnOptions& options, const FitOptions& fit, DeepBeliefNet& rbms,
                     study::Repeat& repeat) {
  auto net = options.classifier(rbms);
  net->to(repeat.device);
  StageRunner runner(net, repeat.data, repeat.observer);
  const auto result =
      runner.fit(options.tuned(), repeat.data, classification(), fit, repeat.random);
  if (!result.diverged()) runner.checkpoint(options.tuned().stage, repeat.random);
}

void tune_autoencoder(const DbnOptions& options, const FitOptions& fit, DeepBeliefNet& rbms,
                      study::Repeat& repeat) {
  auto net = rbms->unrolled();
  const auto info = options.tuned();
  const Problem problem{binary_reconstruction(),
                        Target::features,
                        {},
                        repeat.random.noise,
                        static_cast<uint32_t>(info.stage)};
  const auto result = fit_stage(net->whole(), problem, repeat.data, fit, repeat.random,
                                progress_hooks(repeat.observer, info));
  repeat.observer.on_stage({info, result, {}});
  if (!result.diverged()) repeat.observer.on_checkpoint(info.stage, *net, repeat.random);
}

void save_encoder(const DbnOptions& options, const std::string& checksum, const DeepBeliefNet& rbms,
                  const study::Repeat& repeat) {
  const DenseAutoencoder network{options.units, Activation::sigmoid, Activation::sigmoid};
  study::save_in_run(*rbms->unrolled(), repeat.folder / encoder_file(repeat.number),
                     description_of(network, options.data, checksum));
}

/// LISA's deep learning tutorials, "Deep Belief Networks": MNIST's first 50,000 rows to train, the
/// last 10,000 to validate.
DbnCondition lisa() {
  DbnOptions options;
  options.data.validation = 10000;
  options.data.validation_from = ValidationFrom::last;
  options.optimizer.learning_rate = 0.1;
  options.optimizer.momentum = 0;
  options.early_stop.patience = 10;
  return {"lisa",
          "LISA's tutorial: 784-1000-1000-1000-10, CD-1 with samples, batches of 10",
          "about an hour and a quarter on one core",
          options,
          {{options.tuned(), "validation", "accuracy", "0.9873"},
           {options.tuned(), "test", "accuracy", "0.9866"}}};
}

/// Hinton and Salakhutdinov 2006 and their code, `mnistclassify`. They fine-tune by conjugate
/// gradients, here it is SGD.
DbnCondition hinton() {
  DbnOptions options;
  options.data.validation = 0;
  options.units = {784, 500, 500, 2000};
  options.initializer = small_normal_;
  options.rbm_epochs = 50;
  options.rbm_batch_size = 100;
  options.rbm_learning_rate = {0.1};
  options.rbm_momentum = 0.9;
  options.rbm_first_epochs = 5;
  options.rbm_l2 = 2e-4;
  options.sample_visible = false;
  options.epochs = 50;
  options.batch_size = 100;
  options.optimizer.learning_rate = 0.05;
  options.optimizer.schedule = cosine_schedule();
  return {"hinton",
          "Hinton and Salakhutdinov 2006: 784-500-500-2000-10, CD-1, batches of 100",
          "about twenty minutes on one core",
          options,
          {{options.tuned(), "test", "accuracy", "0.9883"}}};
}

/// The same paper's `mnistdeepauto`, likewise, with Adam.
DbnCondition autoencoder() {
  auto options = hinton().options;
  options.purpose = Purpose::autoencoder;
  options.units = {784, 1000, 500, 250, 30};
  options.rbm_learning_rate = {0.1, 0.1, 0.1, 0.001};
  options.optimizer.optimizer = "adam";
  options.optimizer.learning_rate = 0.001;
  options.epochs = 100;
  return {"autoencoder",
          "Hinton and Salakhutdinov 2006: the deep autoencoder 784-1000-500-250-30, linear code",
          "about forty minutes on one core",
          options,
          {{options.tuned(), "test", "mse", "0.00383"}}};
}

}  // namespace

void DbnOptions::add_to(CLI::App& app) {
  data.add_to(app);
  const auto* network = "Network";
  add_choice(app, "--purpose", purpose,
             {{"classifier", Purpose::classifier}, {"autoencoder", Purpose::autoencoder}},
             "What the RBMs become: the hidden layers of a classifier, or an autoencoder with a "
             "linear code, whose top RBM has Gaussian hidden units")
      ->group(network);
  add_value(app, "--units", units, units_spelling(), "Units of the input, then of each RBM",
            "N,N[,N...]")
      ->group(network);
  add_choice(app, "--initializer", initializer,
             {{"normal", small_normal_}, {"uniform", sigmoid_uniform_}},
             "How first weights are drawn: a deviation of 0.1, or 4 sqrt(6 / (in + out)) at most")
      ->group(network);
  add_count(app, "--rbm-epochs", rbm_epochs, "Epochs of each RBM")->group(rbm_group);
  add_count(app, "--rbm-batch-size", rbm_batch_size, "Images of a step")->group(rbm_group);
  add_value(app, "--rbm-learning-rate", rbm_learning_rate,
            list_of(finite_number(0, true, largest_number)),
            "Learning rate: one for all RBMs, or a list", "X[,X...]")
      ->group(rbm_group);
  add_number(app, "--rbm-momentum", rbm_momentum, "Momentum", 0, false, 1)->group(rbm_group);
  add_count(app, "--rbm-first-epochs", rbm_first_epochs,
            "Epochs of each RBM that begin with a momentum of 0.5", 0)
      ->group(rbm_group);
  add_number(app, "--rbm-l2", rbm_l2, "Weight decay", 0, false, largest_number)->group(rbm_group);
  add_count(app, "--gibbs-steps", gibbs_steps, "Steps of the Markov chain before each update, k", 1,
            10000)
      ->group(rbm_group);
  add_switch(app, "--persistent", persistent,
             "Chains run on from update to update, instead of starting at each batch")
      ->group(rbm_group);
  add_switch(app, "--sample-visible", sample_visible,
             "Sample the visible units of the chain, instead of taking their probabilities")
      ->group(rbm_group);
  add_count(app, "--epochs", epochs, "Epochs of all layers together, at most")->group(tuning_group);
  add_count(app, "--batch-size", batch_size, "Images of a step; a shorter last batch is kept")
      ->group(tuning_group);
  optimizer.add_to(app, tuning_group);
  add_count(app, "--early-stop", early_stop.patience,
            "End the fit of all layers, with its best weights, when the validation rows have not "
            "improved for so many epochs: in accuracy, of an autoencoder in squared error; 0 for "
            "never",
            0)
      ->group(tuning_group);
}

void DbnOptions::check(const RunOptions& run) const {
  optimizer.check(run);
  if (early_stop.patience > 0 && data.validation == 0)
    throw UsageError(fmt::format("--early-stop {} without validation rows", early_stop.patience),
                     "set some aside with --validation, or add --early-stop 0");
  run.refuse_longer("--rbm-learning-rate", rbm_learning_rate, depth());
  if (rbm_learning_rate.size() != 1 && static_cast<int64_t>(rbm_learning_rate.size()) != depth()) {
    throw UsageError(fmt::format("--rbm-learning-rate has {} values for {} RBMs",
                                 rbm_learning_rate.size(), depth()),
                     "give one for all, or one for each");
  }
  run.refuse_if(true, "--schedule-over", "has no effect: all layers are trained in one fit",
                "leave it out");
  if (run.engine.precision != Precision::fp32) {
    throw UsageError(fmt::format("--precision {}", name_of(run.engine.precision)),
                     "RBMs are trained in fp32");
  }
}

void DbnOptions::check_pixels(int64_t height, int64_t width) const {
  if (units.front() == height * width) return;
  throw UsageError(fmt::format("--units begins with {}, but the images are {} x {} = {} pixels",
                               units.front(), height, width, height * width),
                   fmt::format("begin it with {}", height * width));
}

void DbnOptions::check_fits(int64_t rows) const {
  apps::check_fit(pretraining({}).phase(1), rows);
  apps::check_fit(tuning({}), rows);
}

DeepBeliefNetOptions DbnOptions::network() const {
  const bool linear = purpose == Purpose::autoencoder;
  return {units, linear ? HiddenUnits::gaussian : HiddenUnits::bernoulli, initializer};
}

GreedyNet DbnOptions::classifier(const DeepBeliefNet& rbms) const {
  constexpr int64_t digits = 10;
  return GreedyNet(rbms->encoder_blocks(),
                   Block(Dense(DenseOptions{units.back(), digits, Activation::linear})));
}

DeepBeliefNetTraining DbnOptions::pretraining(const EngineOptions& engine) const {
  ContrastiveDivergence divergence{gibbs_steps, persistent, sample_visible, {}};
  if (rbm_first_epochs > 0) divergence.first = {rbm_first_epochs, 0.5};
  DeepBeliefNetTraining training;
  training.divergences = {divergence};
  training.phases.clear();
  for (const auto rate : rbm_learning_rate) {
    training.phases.push_back({.epochs = rbm_epochs,
                               .batch_size = rbm_batch_size,
                               .optimizer = Sgd{rate, rbm_momentum},
                               .l2 = rbm_l2,
                               .engine = engine});
  }
  return training;
}

FitOptions DbnOptions::tuning(const EngineOptions& engine) const {
  FitOptions fit{.epochs = epochs, .batch_size = batch_size, .engine = engine};
  optimizer.apply_to(fit);
  fit.early_stopping = early_stop.make("mse");
  if (fit.early_stopping && purpose == Purpose::classifier)
    fit.early_stopping = stopping_by_accuracy(early_stop.patience);
  return fit;
}

StageInfo DbnOptions::tuned() const {
  return {depth() + 1, 0, "fine_tuned",
          purpose == Purpose::classifier ? Task::classification : Task::reconstruction};
}

const std::vector<DbnCondition>& dbn_conditions() {
  static const std::vector<DbnCondition> all{lisa(), hinton(), autoencoder()};
  return all;
}

const DbnCondition& dbn_condition_named(const std::string& name) {
  std::vector<std::string> names;
  for (const auto& condition : dbn_conditions()) {
    if (condition.name == name) return condition;
    names.push_back(condition.name);
  }
  throw UsageError(fmt::format("--reproduce '{}'", name),
                   fmt::format("it is one of {}", fmt::join(names, ", ")));
}

void make_quick(DbnOptions& options) {
  options.rbm_epochs = 2;
  options.rbm_first_epochs = std::min<int64_t>(options.rbm_first_epochs, 1);
  options.epochs = options.purpose == Purpose::classifier ? 3 : 6;
  options.early_stop.patience = 0;
}

Plan plan_of(const DbnOptions& options, const EngineOptions& engine, const Split& data) {
  auto plan = plan_of(options.pretraining(engine), options.depth(), data);
  const bool classifies = options.purpose == Purpose::classifier;
  const auto metrics = classifies ? std::vector<std::string>{"accuracy", "cross_entropy"}
                                  : std::vector<std::string>{"mse", "bce", "rounded_accuracy"};
  plan.emplace_back(options.tuned(), options.epochs, scores_of(names_of(data), metrics));
  double weights = 0;
  for (size_t i = 1; i < options.units.size(); ++i) {
    const auto of_layer = static_cast<double>(options.units[i - 1] * options.units[i]);
    plan[i - 1].work *= 5 * of_layer;  // products with its weights in a step
    weights += of_layer;
  }
  plan.back().work *= (classifies ? 3 : 6) * weights;
  return plan;
}

void train_dbn(const DbnOptions& options, const std::string& checksum, const EngineOptions& engine,
               study::Repeat& repeat) {
  auto rbms = options.network().make(repeat.random.initialization);
  const auto done = repeat.go_on_with(*rbms);
  const auto training = options.pretraining(engine);
  if (!train_deep_belief_net(rbms, repeat.data, training, repeat.random, repeat.observer, done))
    return;
  const auto fit = options.tuning(engine);
  if (options.purpose == Purpose::classifier) {
    save_encoder(options, checksum, rbms, repeat);
    tune_classifier(options, fit, rbms, repeat);
  } else {
    tune_autoencoder(options, fit, rbms, repeat);
  }
}

}  // namespace layerwise::apps
