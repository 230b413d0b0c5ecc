#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "layerwise/pretraining/stacked_autoencoder.h"
#include "layerwise/train/checkpoint.h"

#include "common/images.h"
#include "common/optimizer_choice.h"
#include "common/options.h"

namespace layerwise::apps {

/// What reconstructs pixels, or codes, minimizes.
enum class ReconstructionLoss { mse, bce };

/// Noise on the input of a phase.
struct Noise {
  enum class Kind { gaussian, masking, dropout, salt_pepper };
  Kind kind;
  double amount;  ///< the standard deviation, or the share of the entries

  Corruption corruption() const;
};

/// The settings of a stacked autoencoder and its training, as options. Settings that may differ
/// between phases are lists; the last item also applies to the remaining phases.
struct AutoencoderOptions {
  ImageData data;
  std::vector<int64_t> units = {784, 300, 150};  ///< of the input, then of each hidden layer
  Activation activation = Activation::elu;
  Initializer initializer = variance_scaling_;
  bool tied = false;
  bool joint = false;
  ReconstructionLoss loss = ReconstructionLoss::mse;
  ReconstructionLoss code_loss = ReconstructionLoss::mse;  ///< of phases beyond the first
  std::vector<int64_t> epochs = {4};
  int64_t batch_size = 150;
  std::vector<Sampling> sampling = {Sampling::epochs, Sampling::independent};
  LastBatch last_batch = LastBatch::drop;
  std::string optimizer = "adam";
  Schedule schedule;  ///< of every phase
  EarlyStop early_stop;
  std::vector<double> learning_rate = {0.01};
  double momentum = 0;
  bool shared_adam_counter = true;
  double l2 = 1e-4;
  std::optional<Noise> noise;
  std::optional<Emphasis> emphasis;
  std::optional<Sparsity> sparsity;
  int64_t fine_tune = 0;
  double fine_tune_learning_rate = 0.001;
  EngineOptions engine;

  void add_to(CLI::App& app);
  /// Adds the options that define the hidden layers.
  void add_network_to(CLI::App& app);
  /// Adds the option for noise on the input of each phase, under this name.
  void add_noise_to(CLI::App& app, const std::string& option, const std::string& group);
  /// @throws UsageError if options given contradict each other or would have no effect
  void check(const RunOptions& run) const;
  /// @throws UsageError if `units` does not begin with height x width pixels
  void check_pixels(int64_t height, int64_t width) const;
  /// @throws UsageError if `rows` rows do not make a batch, or the network does not fit into memory
  void check_size(int64_t rows) const;

  int64_t phases() const { return static_cast<int64_t>(units.size()) - 1; }
  DenseAutoencoder network() const;
  StackedAutoencoderOptions training() const;
  /// The description in a checkpoint: the network and the data that it was trained on.
  Description description(const LabelledImages& images) const;
};

}  // namespace layerwise::apps
