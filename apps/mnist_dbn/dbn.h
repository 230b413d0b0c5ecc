#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "layerwise/nn/greedy_net.h"
#include "layerwise/pretraining/deep_belief_net.h"
#include "layerwise/study/published.h"

#include "common/images.h"
#include "common/optimizer_choice.h"

namespace layerwise::apps {

/// What the stack of RBMs becomes.
enum class Purpose { classifier, autoencoder };

/// A stack of RBMs, its training, and that of the network that it becomes, as options.
struct DbnOptions {
  ImageData data;
  Purpose purpose = Purpose::classifier;
  std::vector<int64_t> units = {784, 1000, 1000, 1000};  ///< of the input, then of each RBM
  Initializer initializer = sigmoid_uniform_;
  int64_t rbm_epochs = 100;  ///< of each
  int64_t rbm_batch_size = 10;
  std::vector<double> rbm_learning_rate = {0.01};
  double rbm_momentum = 0;
  int64_t rbm_first_epochs = 0;  ///< with a momentum of 0.5
  double rbm_l2 = 0;
  int64_t gibbs_steps = 1;
  bool persistent = false;
  bool sample_visible = true;
  int64_t epochs = 100;  ///< of all layers
  int64_t batch_size = 10;
  OptimizerChoice optimizer;
  EarlyStop early_stop;

  void add_to(CLI::App& app);
  /// @throws UsageError if options given contradict each other or would have no effect
  void check(const RunOptions& run) const;
  /// @throws UsageError if `units` does not begin with height x width pixels
  void check_pixels(int64_t height, int64_t width) const;
  /// @throws UsageError if so many rows cannot be fitted
  void check_fits(int64_t rows) const;

  int64_t depth() const { return static_cast<int64_t>(units.size()) - 1; }
  DeepBeliefNetOptions network() const;
  /// The classifier that the RBMs become: under a new softmax layer, from zeros.
  GreedyNet classifier(const DeepBeliefNet& rbms) const;
  DeepBeliefNetTraining pretraining(const EngineOptions& engine) const;
  FitOptions tuning(const EngineOptions& engine) const;
  /// The fit of all layers.
  StageInfo tuned() const;
};

/// A procedure with published numbers.
struct DbnCondition {
  std::string name;
  std::string what;   ///< description in a sentence
  std::string takes;  ///< how long it takes, roughly
  DbnOptions options;
  std::vector<study::Published> published;
};
const std::vector<DbnCondition>& dbn_conditions();
/// @throws UsageError listing the names
const DbnCondition& dbn_condition_named(const std::string& name);

/// A few epochs of each fit.
void make_quick(DbnOptions& options);

/// The fits of a repeat: each RBM, then all layers.
Plan plan_of(const DbnOptions& options, const EngineOptions& engine, const Split& data);
/// Trains one repeat; the network of the last complete stage is kept in the folder of the run. A
/// stack that becomes a classifier is also kept as an encoder with its decoder (`encoder_file`),
/// before all layers are trained.
/// @param checksum of the training images
void train_dbn(const DbnOptions& options, const std::string& checksum, const EngineOptions& engine,
               study::Repeat& repeat);

}  // namespace layerwise::apps
