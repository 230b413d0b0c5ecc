#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "layerwise/nn/activation.h"
#include "layerwise/nn/chain.h"
#include "layerwise/nn/initializers.h"
#include "layerwise/nn/stacked_autoencoder.h"
#include "layerwise/pretraining/pretrained_classifier.h"
#include "layerwise/pretraining/stage_runner.h"

namespace layerwise::apps {

/// How hidden layers get the weights that training all layers starts from.
enum class Way {
  none,          ///< random weights
  autoencoders,  ///< a stack of autoencoders, one layer at a time
  denoising,     ///< the same, which remove masking noise
  rbms,          ///< a stack of RBMs
  supervised,    ///< one layer at a time under a new head, with labels
};
/// "none", "autoencoders", ...
const char* name_of(Way way);
/// "no pretraining", "autoencoders", "denoising autoencoders", ...
const char* in_words(Way way);

/// What a network starts from: its units, and how random weights are drawn.
struct Start {
  std::string name;  ///< in names of arms
  std::string what;  ///< as in a sentence
  Activation activation;
  Initializer initializer;
};
/// Sigmoid units and U(+-1 / sqrt(fan_in)): the start of the networks that were called hard to
/// train.
Start bad_start();
/// Sigmoid units and Glorot's initializer.
Start glorot_start();
/// ReLU units and He's initializer.
Start relu_start();
/// ELU units and variance scaling.
Start elu_start();
/// Tanh units and Glorot's initializer.
Start tanh_start();
/// Sigmoid units and Martens' sparse initializer.
Start sparse_start();

/// The layer-wise training of a stack of dense layers.
struct LayerwiseTraining {
  std::vector<int64_t> units;  ///< of the input, then of each hidden layer
  Start start;
  Way way = Way::none;
  int64_t epochs = 3;  ///< of each layer
  double learning_rate = 0.001;
  double masking = 0.25;     ///< share of the inputs that `denoising` masks
  bool linear_code = false;  ///< whether the last layer is linear, as an autoencoder's code
  int64_t classes = 10;
  int64_t batch_size = 100;
  EngineOptions engine = {};

  int64_t depth() const { return static_cast<int64_t>(units.size()) - 1; }
  /// Where its networks go.
  c10::Device device(const Split& data) const {
    return engine.device_for(data.train.inputs.device());
  }
  /// Its stages, numbered from 1; none with `Way::none`.
  Plan plan(const Split& data) const;
  /// Multiplications of one epoch of stage k, from 1, on so many rows.
  double work(int64_t k, int64_t rows) const;
  /// Draws the weights of the network that is trained, and trains it. Without labels for all but
  /// `supervised`. Codes of sigmoid units are reconstructed by cross-entropy, others by squared
  /// error.
  /// @returns the network, encoder and decoder; of `supervised` the decoder is random; empty if a
  ///   stage diverged
  StackedAutoencoder run(const Split& data, Random& random, Observer observer) const;
  /// The network with random weights.
  StackedAutoencoder random_network(RandomState& initialization) const;
  /// The parts of a classifier whose hidden layers are the first `depth` ones: random, or those of
  /// `pretrained`, the network that `run` returned.
  ClassifierParts classifier(const StackedAutoencoder& pretrained, int64_t depth) const;
  /// Training of a classifier by SGD with momentum, which keeps the weights with the best
  /// validation accuracy.
  ClassifierTraining tuning(int64_t of_epochs, double rate) const;
  /// The learning rates of `tuning` to choose from.
  static std::vector<double> tuning_rates() { return {1, 0.3, 0.1, 0.03}; }

 private:
  Plan stages(const Split& data) const;
};

}  // namespace layerwise::apps
