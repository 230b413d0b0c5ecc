#include "when_pretraining_helps/ways.h"

#include <algorithm>
#include <stdexcept>
#include <utility>

#include "layerwise/pretraining/deep_belief_net.h"
#include "layerwise/pretraining/stacked_autoencoder.h"
#include "layerwise/pretraining/supervised_deepening.h"

namespace layerwise::apps {

namespace {

StackedAutoencoderOptions autoencoder_training(const LayerwiseTraining& training) {
  StackedAutoencoderOptions options;
  options.phases = {{.epochs = training.epochs,
                     .batch_size = training.batch_size,
                     .optimizer = Adam{.learning_rate = training.learning_rate},
                     .engine = training.engine}};
  options.pixels = binary_reconstruction();
  if (training.start.activation == Activation::sigmoid) options.codes = binary_reconstruction();
  if (training.way == Way::denoising) options.corruption = masking_noise(training.masking);
  return options;
}

/// Hinton and Salakhutdinov's settings: their rate is 0.1, and 0.001 for Gaussian hidden units. The
/// momentum is 0.5 in the first tenth of the epochs, theirs in the first five.
DeepBeliefNetTraining rbm_training(const LayerwiseTraining& training) {
  DeepBeliefNetTraining options;
  options.phases.clear();
  for (int64_t k = 1; k <= training.depth(); ++k) {
    const bool linear = training.linear_code && k == training.depth();
    options.phases.push_back({.epochs = training.epochs,
                              .batch_size = training.batch_size,
                              .optimizer = Sgd{linear ? 0.001 : 0.1, 0.9},
                              .l2 = 2e-4,
                              .engine = training.engine});
  }
  options.divergences = {{.first = ContrastiveDivergence::FirstEpochs{
                              std::max<int64_t>(1, training.epochs / 10), 0.5}}};
  return options;
}

SupervisedDeepeningOptions deepening_options(const LayerwiseTraining& training) {
  SupervisedDeepeningOptions options{.layers = training.depth() + 1,
                                     .fit = {.epochs = training.epochs,
                                             .batch_size = training.batch_size,
                                             .optimizer = Adam{training.learning_rate},
                                             .engine = training.engine},
                                     .head = HeadPolicy::fresh};
  return options;
}

Plan without_whole(Plan plan) {
  std::erase_if(plan, [](const PlannedFit& fit) { return fit.info.variant == "whole"; });
  return plan;
}

Observer without_whole(Observer observer) {
  if (observer.on_stage) {
    observer.on_stage = [tell = observer.on_stage](const StageReport& report) {
      if (report.info.variant != "whole") tell(report);
    };
  }
  return observer;
}

/// @param diverged becomes true if a stage diverges
Observer noting_divergence(Observer observer, bool& diverged) {
  observer.on_stage = [&diverged, tell = observer.on_stage](const StageReport& report) {
    diverged = diverged || report.result.diverged();
    if (tell) tell(report);
  };
  return observer;
}

Split without_labels(const Split& data) {
  Split inputs;
  inputs.train.inputs = data.train.inputs;
  inputs.validation.inputs = data.validation.inputs;
  return inputs;
}

StackedAutoencoder trained_autoencoder(const LayerwiseTraining& training, const Split& data,
                                       Random& random, const Observer& observer) {
  auto net = training.random_network(random.initialization);
  net->to(training.device(data));
  bool diverged = false;
  const auto watching = noting_divergence(without_whole(observer), diverged);
  train_stacked_autoencoder(net, without_labels(data), autoencoder_training(training), random,
                            watching);
  return diverged ? StackedAutoencoder(nullptr) : net;
}

StackedAutoencoder unrolled_rbms(const LayerwiseTraining& training, const Split& data,
                                 Random& random, const Observer& observer) {
  if (training.start.activation != Activation::sigmoid)
    throw std::invalid_argument("RBMs become sigmoid layers");
  auto net =
      DeepBeliefNetOptions{training.units,
                           training.linear_code ? HiddenUnits::gaussian : HiddenUnits::bernoulli,
                           small_normal_}
          .make(random.initialization);
  net->to(training.device(data));
  const bool learned =
      train_deep_belief_net(net, without_labels(data), rbm_training(training), random, observer);
  return learned ? net->unrolled() : StackedAutoencoder(nullptr);
}

/// Greedy training with labels; the decoder stays random.
StackedAutoencoder deepened(const LayerwiseTraining& training, const Split& data, Random& random,
                            const Observer& observer) {
  auto random_net = training.random_network(random.initialization);
  const BlockFactory next_block = [&](int64_t stage, RandomState&) {
    return *(random_net->encoder->begin() + static_cast<std::ptrdiff_t>(stage - 1));
  };
  auto options = deepening_options(training);
  options.next_head = [&](int64_t stage, RandomState& draw) {
    return output(training.units.at(static_cast<size_t>(stage)), training.classes, draw);
  };
  bool diverged = false;
  const auto watching = noting_divergence(observer, diverged);
  auto first = next_block(1, random.initialization);
  GreedyNet net(first, output(training.units[1], training.classes, random.initialization));
  net->to(training.device(data));
  random_net->to(training.device(data));
  deepen_supervised(net, {data.train, {}, data.validation}, options, next_block, random, watching);
  return diverged ? StackedAutoencoder(nullptr) : random_net;
}

}  // namespace

const char* name_of(Way way) {
  switch (way) {
    case Way::none:
      return "none";
    case Way::autoencoders:
      return "autoencoders";
    case Way::denoising:
      return "denoising";
    case Way::rbms:
      return "rbms";
    case Way::supervised:
      return "supervised";
  }
  throw std::logic_error("no such way");
}

const char* in_words(Way way) {
  switch (way) {
    case Way::none:
      return "no pretraining";
    case Way::autoencoders:
      return "autoencoders";
    case Way::denoising:
      return "denoising autoencoders";
    case Way::rbms:
      return "RBMs";
    case Way::supervised:
      return "supervised layers";
  }
  throw std::logic_error("no such way");
}

Start bad_start() {
  return {"sigmoid", "sigmoid units", Activation::sigmoid, fan_in_uniform_};
}
Start glorot_start() {
  return {"glorot", "sigmoid units, Glorot's first weights", Activation::sigmoid, glorot_uniform_};
}
Start relu_start() {
  return {"relu", "relu units", Activation::relu, he_uniform_};
}
Start elu_start() {
  return {"elu", "elu units", Activation::elu, variance_scaling_};
}
Start tanh_start() {
  return {"tanh", "tanh units", Activation::tanh, glorot_uniform_};
}
Start sparse_start() {
  return {"sparse", "sigmoid units, sparse first weights, Nesterov's momentum", Activation::sigmoid,
          sparse_normal_};
}

Plan LayerwiseTraining::plan(const Split& data) const {
  auto plan = stages(data);
  for (auto& fit : plan)
    fit.work = static_cast<double>(fit.epochs) * work(fit.info.stage, data.train.size());
  return plan;
}

Plan LayerwiseTraining::stages(const Split& data) const {
  switch (way) {
    case Way::none:
      return {};
    case Way::autoencoders:
    case Way::denoising:
      return without_whole(plan_of(autoencoder_training(*this), depth(), without_labels(data)));
    case Way::rbms:
      return plan_of(rbm_training(*this), depth(), without_labels(data));
    case Way::supervised:
      return plan_of(deepening_options(*this), {data.train, {}, data.validation});
  }
  throw std::logic_error("no such way");
}

double LayerwiseTraining::work(int64_t k, int64_t rows) const {
  const auto i = static_cast<size_t>(k);
  const auto weights = static_cast<double>(units[i - 1] * units[i] * rows);
  switch (way) {
    case Way::none:
      return 0;
    case Way::autoencoders:
    case Way::denoising:
      return 6 * weights;
    case Way::rbms:
      return 5 * weights;
    case Way::supervised:
      return 3 * weights;
  }
  throw std::logic_error("no such way");
}

StackedAutoencoder LayerwiseTraining::random_network(RandomState& initialization) const {
  std::vector<Block> up;
  std::vector<Block> down;
  for (size_t i = 1; i < units.size(); ++i) {
    const bool linear = linear_code && i + 1 == units.size();
    up.emplace_back(
        make_dense({units[i - 1], units[i], linear ? Activation::linear : start.activation},
                   start.initializer, initialization));
  }
  for (size_t i = units.size() - 1; i > 0; --i) {
    down.emplace_back(
        make_dense({units[i], units[i - 1], i == 1 ? Activation::sigmoid : start.activation},
                   start.initializer, initialization));
  }
  return StackedAutoencoder(up, down);
}

ClassifierParts LayerwiseTraining::classifier(const StackedAutoencoder& pretrained,
                                              int64_t depth) const {
  ClassifierParts parts;
  parts.head = [of = classes](int64_t inputs, RandomState& draw) {
    return output(inputs, of, draw);
  };
  parts.network = [head = parts.head, units = units, start = start, depth](RandomState& draw) {
    std::vector<Block> blocks;
    for (size_t i = 1; i <= static_cast<size_t>(depth); ++i) {
      blocks.emplace_back(
          make_dense({units[i - 1], units[i], start.activation}, start.initializer, draw));
    }
    return GreedyNet(blocks, head(units[static_cast<size_t>(depth)], draw));
  };
  const auto& encoder = *pretrained->encoder;
  parts.pretrained = {encoder.begin(), encoder.begin() + depth};
  return parts;
}

ClassifierTraining LayerwiseTraining::tuning(int64_t of_epochs, double rate) const {
  ClassifierTraining training;
  training.fit = {
      .epochs = of_epochs, .batch_size = batch_size, .optimizer = Sgd{rate, 0.9}, .engine = engine};
  training.fit.early_stopping = stopping_by_accuracy(of_epochs);
  return training;
}

StackedAutoencoder LayerwiseTraining::run(const Split& data, Random& random,
                                          Observer observer) const {
  observer.on_checkpoint = nullptr;  // an arm is kept when all of it is complete
  switch (way) {
    case Way::none: {
      auto net = random_network(random.initialization);
      net->to(device(data));
      return net;
    }
    case Way::autoencoders:
    case Way::denoising:
      return trained_autoencoder(*this, data, random, observer);
    case Way::rbms:
      return unrolled_rbms(*this, data, random, observer);
    case Way::supervised:
      return deepened(*this, data, random, observer);
  }
  throw std::logic_error("no such way");
}

}  // namespace layerwise::apps
