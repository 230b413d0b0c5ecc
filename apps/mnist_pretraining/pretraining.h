#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "layerwise/nn/dense_classifier.h"
#include "layerwise/pretraining/pretrained_classifier.h"

#include "mnist_autoencoder/autoencoder.h"

namespace layerwise::apps {

/// What of the options has other defaults in the version that takes two minutes.
struct QuickDefaults {
  int64_t repeats = 4;
  int64_t curve_every = 5;
  std::string learning_rates = "0.01,0.001";
  int64_t steps = 500;
};

/// The settings of a comparison of classifiers with and without pretraining, as options.
struct PretrainingOptions {
  AutoencoderOptions encoder;  ///< the network, and how its encoder is pretrained
  std::string checkpoint;      ///< an encoder that there is already
  int64_t labels = 2000;
  std::string subset = "auto";
  std::string variants;  ///< all of them at first
  int64_t epochs = 4;
  int64_t batch_size = 50;
  double learning_rate = 0.01;
  double l2 = 5e-4;
  double head_share = 0.25;
  int64_t curve_every = 1;
  std::string budgets = "off";
  int64_t steps = 4000;
  int64_t patience = 10;
  std::string learning_rates = "0.03,0.01,0.003,0.001,0.0003";
  int64_t tuning_repeats = 4;
  bool quick = false;

  PretrainingOptions();

  void set_defaults(const QuickDefaults& quick_defaults);
  void add_to(CLI::App& app);
  /// @throws UsageError if options given contradict each other or would have no effect
  void check(const CLI::App& app, const Settings& run) const;
  /// @throws UsageError or report::Failure if the data do not have what is asked for
  void check_data(const CLI::App& app, const Split& data, int64_t repeats) const;

  /// The variants asked for, in the order of `classifier_variants`.
  std::vector<ClassifierVariant> chosen_variants() const;
  bool needs_encoder() const;
  bool has_budgets() const { return budgets != "off"; }
  /// Labels of each comparison, ascending.
  std::vector<int64_t> label_counts() const;
  std::vector<double> rates() const;
  /// The first rows of the training split, as in the document, rather than rows drawn.
  bool takes_first_rows(int64_t repeats) const;

  DenseClassifierOptions network() const;
  StackedAutoencoderOptions encoder_training() const;
  /// The document's way: some epochs at one learning rate.
  ClassifierTraining training() const;
  /// A number of steps, ended early, at this learning rate.
  ClassifierTraining tuned_training(double rate) const;
  /// Numbers that a variant trains in its first fit.
  int64_t trained_numbers(const ClassifierVariant& variant) const;
};

/// Sets the encoder's options to what a checkpoint says of itself.
/// @throws report::Failure if it cannot be read, or holds an encoder of other units, another
///   activation or other training images
void adopt_checkpoint(PretrainingOptions& options, const LabelledImages& images);

}  // namespace layerwise::apps
