#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "layerwise/nn/dense_classifier.h"
#include "layerwise/pretraining/pretrained_classifier.h"

#include "mnist_autoencoder/autoencoder.h"

namespace layerwise::apps {

/// The defaults that differ in the quick version, which takes two minutes.
struct QuickDefaults {
  int64_t repeats = 4;
  int64_t curve_every = 5;
  std::vector<double> learning_rates = {0.01, 0.001};
  int64_t steps = 500;
};

/// Which rows of the training split have labels.
enum class Subset {
  automatic,  ///< `first` for a study of a single repeat, else `drawn`
  first,      ///< the first rows, as in the document
  drawn,      ///< drawn by each repeat, the same number of each class
};

/// What is printed while classifiers are trained.
enum class Printed {
  table,  ///< nothing but their test accuracies
  steps,  ///< for two variants a line after each step, as the document's script prints it
};

/// The settings of a comparison of classifiers with and without pretraining, as options.
struct PretrainingOptions {
  AutoencoderOptions encoder;  ///< the network, and how its encoder is pretrained
  std::string checkpoint;      ///< file of an existing encoder; empty to train one
  int64_t labels = 2000;
  Subset subset = Subset::automatic;
  std::vector<std::string> variants;  ///< initially all
  int64_t epochs = 4;
  int64_t batch_size = 50;
  std::string optimizer = "adam";
  double learning_rate = 0.01;
  double momentum = 0;
  Schedule schedule;
  double l2 = 5e-4;
  double head_share = 0.25;
  int64_t curve_every = 1;
  std::optional<std::vector<int64_t>> budgets;
  int64_t steps = 4000;
  int64_t patience = 10;
  std::vector<double> learning_rates = {0.03, 0.01, 0.003, 0.001, 0.0003};
  int64_t tuning_repeats = 4;
  bool quick = false;
  Margin margin;
  Printed printed = Printed::table;

  PretrainingOptions();

  void set_defaults(const QuickDefaults& quick_defaults);
  void add_to(CLI::App& app);
  /// @throws UsageError if options given contradict each other or would have no effect
  void check(const RunOptions& run) const;
  /// @throws UsageError or report::Failure if the data do not have what is asked for
  void check_data(const RunOptions& run, const Split& data) const;

  /// The variants asked for, in the order of `classifier_variants`.
  std::vector<ClassifierVariant> chosen_variants() const;
  bool needs_encoder() const;
  bool has_budgets() const { return budgets.has_value(); }
  /// The numbers of labels to compare, in ascending order.
  std::vector<int64_t> label_counts() const;
  /// Whether the labeled rows are the first ones of the training split, as in the document, rather
  /// than drawn.
  bool takes_first_rows(const Settings& run) const;

  DenseClassifierOptions network() const;
  StackedAutoencoderOptions encoder_training() const;
  /// The training of the document: a number of epochs at one learning rate.
  ClassifierTraining training() const;
  /// A training with a number of steps and early stopping, at this learning rate.
  ClassifierTraining tuned_training(double rate) const;
  /// The number of parameters that a variant trains in its first fit.
  int64_t trained_numbers(const ClassifierVariant& variant) const;
};

/// Sets the encoder's options to the description in its checkpoint, if there is one.
/// @throws report::Failure if it cannot be read, or holds an encoder with other units, another
///   activation or other training images
void adopt_checkpoint(PretrainingOptions& options, const LabelledImages& images);

}  // namespace layerwise::apps
