#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "layerwise/nn/greedy_net.h"
#include "layerwise/pretraining/stage_runner.h"

namespace layerwise {

/// The input of the head of a classifier.
enum class Codes {
  pretrained,            ///< codes of an encoder that was trained without labels
  random,                ///< codes of an encoder with random weights
  principal_components,  ///< a linear code with the same number of units
  inputs,                ///< no codes: the inputs themselves
};

/// The part of a classifier that is trained.
enum class Trained { everything, head, head_then_everything };

/// One way to train a classifier.
struct ClassifierVariant {
  std::string name;
  Codes codes;
  Trained trained;
  /// Whether the codes are first standardized to mean 0 and standard deviation 1.
  bool standardized = false;
  std::string what;  ///< description in a sentence
};

/// The variants to compare: "none", "frozen", "fine-tuned", "head-first", "standardized", and the
/// controls "random-frozen", "random-standardized", "pca", "pixels".
const std::vector<ClassifierVariant>& classifier_variants();

/// The parts from which the variants of one comparison are built.
struct ClassifierParts {
  /// The whole network with random weights, drawn from the input to the head.
  std::function<GreedyNet(RandomState& initialization)> network;
  /// A head with this number of inputs, for the variant that has no hidden block.
  std::function<Block(int64_t inputs, RandomState& initialization)> head;
  /// The pretrained blocks, whose values replace those of the hidden blocks of `network`.
  std::vector<Block> pretrained = {};
  /// The block that outputs the principal components.
  std::optional<Block> components = {};
};

struct ClassifierTraining {
  FitOptions fit;  ///< early stopping applies only to the last fit
  /// Share of the steps in which `head_then_everything` trains only the head.
  double head_share = 0.25;
};

/// The result of training one classifier.
struct ClassifierResult {
  /// The last fit, with the scores of the final weights. If only a head is trained on codes, the
  /// scores include "code_mean" and "code_deviation" of "train": the root mean square, over the
  /// units, of the codes' means and standard deviations.
  StageResult stage;
  /// With early stopping: the step whose weights were kept, of all fits; none if no score was a
  /// number.
  std::optional<int64_t> best_step;
  GreedyNet net = nullptr;  ///< with the final weights
};

/// Early stopping by accuracy on the validation rows; equal accuracies are compared by
/// cross-entropy.
EarlyStopping stopping_by_accuracy(int64_t patience);

/// The fits of a variant on so many rows, in order: of `head_then_everything` two, otherwise one.
/// @throws std::invalid_argument if there are too few steps for two
std::vector<FitOptions> fits_of(const ClassifierVariant& variant,
                                const ClassifierTraining& training, int64_t rows);

/// Trains one variant of a classifier on labeled rows.
///
/// Every variant draws the weights of the whole network in the same order, and the values of a
/// pretrained encoder then replace some of them, so that the head starts with the same weights;
/// "pixels" draws only its head. Codes are standardized with the statistics of the training rows.
/// Frozen codes are computed once.
/// @param data train: the labeled rows; validation: rows that the hooks may evaluate, or nothing;
///   test: evaluated once, with the final weights; or nothing
/// @param random passed by value: variants that get the same state are paired
/// @param observer its `on_progress` counts the steps of both fits of `head_then_everything`
///   together; reporting the stage is left to the caller
/// @throws std::invalid_argument if a part is missing, or as `fit`
/// @see Bengio et al., "Greedy Layer-Wise Training of Deep Networks", 2007, section 3
ClassifierResult train_classifier(const ClassifierVariant& variant, const ClassifierParts& parts,
                                  const Split& data, const ClassifierTraining& training,
                                  const StageInfo& info, Random random,
                                  const Observer& observer = {});

}  // namespace layerwise
