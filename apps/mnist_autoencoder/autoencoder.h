#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "layerwise/pretraining/stacked_autoencoder.h"
#include "layerwise/study/published.h"
#include "layerwise/train/checkpoint.h"

#include "mnist_autoencoder/mnist.h"

namespace layerwise::apps {

/// The settings of a stacked autoencoder and its training, as options. What several phases may have
/// each of their own is a list between commas, or one for all.
struct AutoencoderOptions {
  MnistData data;
  std::string units = "784,300,150";
  std::string activation = "elu";
  std::string initialiser = "variance-scaling";
  bool tied = false;
  bool joint = false;
  std::string loss = "mse";
  std::string epochs = "4";
  int64_t batch_size = 150;
  std::string sampling = "epochs,independent";
  std::string last_batch = "drop";
  std::string cache = "on";
  std::string optimizer = "adam";
  std::string learning_rate = "0.01";
  double momentum = 0;
  std::string adam_counter = "shared";
  double l2 = 1e-4;
  std::string noise = "off";
  std::string emphasis = "off";
  std::string sparsity = "off";
  int64_t fine_tune = 0;
  double fine_tune_learning_rate = 0.001;
  EngineOptions engine;

  void add_to(CLI::App& app);
  /// The options that say what the hidden layers are.
  void add_network_to(CLI::App& app);
  /// @throws UsageError if options given contradict each other or would have no effect
  void check(const CLI::App& app) const;
  /// @throws UsageError if so many rows do not make a batch, or the network is larger than memory
  void check_size(int64_t rows) const;

  std::vector<int64_t> layer_units() const;
  int64_t phases() const { return static_cast<int64_t>(layer_units().size()) - 1; }
  DenseAutoencoder network() const;
  StackedAutoencoderOptions training() const;
  /// What a checkpoint says of the network and of what it learned from.
  Description description(const LabelledImages& images) const;
};

/// An option that is a list between commas, each item as `item` accepts it, with its default shown.
CLI::Option* add_list(CLI::App& app, const std::string& name, std::string& value,
                      const std::string& description, const CLI::Validator& item,
                      const std::string& shown, size_t min_items = 1);

/// A way of training that somebody has published numbers for.
struct Condition {
  std::string name;
  std::string what;  ///< in a sentence
  AutoencoderOptions options;
  std::vector<Published> published;
};

/// Every condition, "cached" first.
const std::vector<Condition>& conditions();
/// @throws UsageError listing the names
const Condition& condition_named(const std::string& name);

}  // namespace layerwise::apps
