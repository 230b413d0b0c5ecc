#include "mnist_autoencoder/conditions.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace layerwise::apps {

namespace {

StageInfo phase(int64_t k) {
  return {k, 0, "", Task::reconstruction};
}
StageInfo whole(int64_t stages) {
  return {stages, 0, "whole", Task::reconstruction};
}
Published last_batch(int64_t stage, const char* text, const char* metric = "mse") {
  return {phase(stage), "last_batch", metric, text};
}

/// @see Géron, "Hands-On Machine Learning with Scikit-Learn and TensorFlow", 2017, chapter 15, and
///   its notebook; for Fashion-MNIST: the second edition, 2019, chapter 17, and its notebook
std::vector<Condition> make_conditions() {
  const AutoencoderOptions document;
  std::vector<Condition> all;

  all.push_back(
      {"cached",
       "two phases, the codes computed once and drawn independently",
       document,
       {last_batch(1, "0.0078"), last_batch(2, "0.0021"), {whole(2), "test", "mse", "0.00978"}}});

  auto options = document;
  options.sampling = {Sampling::epochs};
  options.engine.cache.place = CachePlace::none;
  all.push_back(
      {"uncached",
       "two phases, the codes computed for every batch",
       options,
       {last_batch(1, "0.0074"), last_batch(2, "0.0025"), {whole(2), "test", "mse", "0.00979"}}});

  options = document;
  options.sampling = {Sampling::independent};
  options.shared_adam_counter = false;
  options.l2 = 5e-4;
  all.push_back({"separate",
                 "two autoencoders, the second on the codes of the first",
                 options,
                 {last_batch(1, "0.0192"), last_batch(2, "0.0044")}});

  options = document;
  options.joint = true;
  options.epochs = {5};
  options.sampling = {Sampling::epochs};
  all.push_back({"joint", "all layers at once", options, {last_batch(1, "0.0104")}});

  options.tied = true;
  options.l2 = 5e-4;
  all.push_back({"tied", "all layers at once, tied weights", options, {last_batch(1, "0.0156")}});

  options.tied = false;
  options.l2 = 0;
  options.epochs = {10};
  options.activation = Activation::relu;
  options.initializer = glorot_uniform_;
  options.noise = Noise{Noise::Kind::gaussian, 1};
  all.push_back({"gaussian",
                 "all layers at once, denoising Gaussian noise",
                 options,
                 {last_batch(1, "0.0408")}});

  options.noise = Noise{Noise::Kind::dropout, 0.3};
  all.push_back({"dropout",
                 "all layers at once, with dropout of the input",
                 options,
                 {last_batch(1, "0.0242")}});

  options.noise = {};
  options.units = {784, 1000};
  options.activation = Activation::sigmoid;
  options.sparsity = Sparsity{0.1, 0.2};
  options.epochs = {100};
  options.batch_size = 1000;
  all.push_back({"sparse",
                 "one hidden layer of 1,000 units, each wanted on for a tenth of the images",
                 options,
                 {last_batch(1, "0.012 .. 0.025"), last_batch(1, "0.08 .. 0.39", "sparsity")}});

  options = document;
  options.data.dataset = "fashion-mnist";
  options.data.validation_from = ValidationFrom::last;
  options.units = {784, 100, 30};
  options.activation = Activation::selu;
  options.initializer = glorot_uniform_;
  options.loss = ReconstructionLoss::bce;
  options.optimizer = "sgd";
  options.l2 = 0;
  options.batch_size = 32;
  options.last_batch = LastBatch::keep;
  options.sampling = {Sampling::epochs};
  options.learning_rate = {1.5, 0.05};
  options.epochs = {10};
  options.fine_tune = 10;
  options.fine_tune_learning_rate = 0.1;
  all.push_back(
      {"fashion",
       "Fashion-MNIST, two phases, then all layers fine-tuned",
       options,
       {{phase(1), "validation", "bce", "0.2781"},
        {phase(2), "validation", "mse", "0.1687"},
        {{3, 0, "fine_tuned", Task::reconstruction}, "validation", "bce", "0.2857"},
        {{3, 0, "fine_tuned", Task::reconstruction}, "validation", "rounded_accuracy", "0.937"}}});

  options.joint = true;
  options.learning_rate = {1.5};
  options.epochs = {20};
  options.fine_tune = 0;
  options.fine_tune_learning_rate = document.fine_tune_learning_rate;
  all.push_back({"fashion-joint",
                 "Fashion-MNIST, all layers at once",
                 options,
                 {{phase(1), "validation", "bce", "0.2835"}}});
  return all;
}

}  // namespace

const std::vector<Condition>& conditions() {
  static const auto all = make_conditions();
  return all;
}

const Condition& condition_named(const std::string& name) {
  std::vector<std::string> names;
  for (const auto& condition : conditions()) {
    if (condition.name == name) return condition;
    names.push_back(condition.name);
  }
  throw UsageError(fmt::format("--reproduce '{}'", name),
                   fmt::format("it is one of {}", fmt::join(names, ", ")));
}

}  // namespace layerwise::apps
