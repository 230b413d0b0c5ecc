#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "layerwise/nn/greedy_net.h"
#include "layerwise/pretraining/stage_runner.h"

namespace layerwise {

/// What the head of a classifier stands on.
enum class Codes {
  pretrained,            ///< those of an encoder that was trained without labels
  random,                ///< those of an encoder with random weights
  principal_components,  ///< a linear code of the same number of units
  inputs,                ///< none: the inputs themselves
};

/// What of a classifier is trained.
enum class Trained { everything, head, head_then_everything };

/// One way to a classifier.
struct ClassifierVariant {
  std::string name;
  Codes codes;
  Trained trained;
  bool standardised = false;  ///< the codes' means and deviations are taken off first
  std::string what;           ///< in a sentence
};

/// The variants that are compared: "none", "frozen", "fine-tuned", "head-first", "standardised",
/// and the controls "random-frozen", "random-standardised", "pca", "pixels".
const std::vector<ClassifierVariant>& classifier_variants();

/// What the variants of one comparison are made of.
struct ClassifierParts {
  /// The whole network with random weights, drawn from the input to the head.
  std::function<GreedyNet(RandomState& initialisation)> network;
  /// A head on so many inputs, for the variant that has no hidden block.
  std::function<Block(int64_t inputs, RandomState& initialisation)> head;
  /// Whose values are put over those of `network`'s hidden blocks.
  torch::nn::Sequential pretrained{nullptr};
  /// The block that puts out the principal components.
  std::optional<Block> components = {};
};

struct ClassifierTraining {
  FitOptions fit;  ///< with early stopping: of the last fit
  double head_share =
      0.25;  ///< of the steps, in which `head_then_everything` trains the head alone
};

/// What became of one classifier.
struct ClassifierResult {
  /// Of the last fit, its scores those of the final weights. Where a head alone is trained on
  /// codes, also the "code_mean" and the "code_deviation" of "train": root mean square over the
  /// units.
  StageResult stage;
  int64_t best_step = 0;  ///< with early stopping: the step whose weights were kept
};

/// By accuracy on the validation rows; of equal ones, by cross-entropy.
EarlyStopping stopping_by_accuracy(int64_t patience);

/// Trains one variant of a classifier on labelled rows.
///
/// Every variant draws the whole network's weights in the same order, and a pretrained encoder's
/// are then put over them, so that the head starts the same; "pixels" draws its head alone. Codes
/// are standardised by the rows that are trained on. Frozen codes are computed once.
/// @param data train: the labelled rows; validation: what the hooks may look at, or nothing; test:
///   is looked at once, when the weights are final; or nothing
/// @param random by value: variants that are given the same state are paired
/// @param observer its `on_epoch` sees the steps of both fits of `head_then_everything` counted on;
///   a report is left to the caller
/// @throws std::invalid_argument if a part is missing, or as `fit`
/// @see Bengio et al., "Greedy Layer-Wise Training of Deep Networks", 2007, section 3
ClassifierResult train_classifier(const ClassifierVariant& variant, const ClassifierParts& parts,
                                  const Split& data, const ClassifierTraining& training,
                                  const StageInfo& info, Random random,
                                  const Observer& observer = {});

}  // namespace layerwise
