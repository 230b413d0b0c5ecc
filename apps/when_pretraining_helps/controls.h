#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "layerwise/data/mnist.h"
#include "layerwise/study/arms.h"
#include "layerwise/study/claims.h"
#include "layerwise/study/published.h"

#include "when_pretraining_helps/ways.h"

namespace layerwise::apps {

/// The controls: A deep autoencoders, B sigmoid classifiers by depth, C few labels, D Larochelle's
/// depth assay.
constexpr auto all_controls = "A,B,C,D";

/// How long the controls train, as options.
struct ControlOptions {
  std::vector<std::string> controls = {"A", "B", "C", "D"};
  int64_t train_rows = 50000;      ///< of A, and unlabeled ones of C
  int64_t test_rows = 10000;       ///< of A and C
  int64_t autoencoder_epochs = 3;  ///< A: of each layer
  int64_t tuning_epochs = 8;       ///< A: of all layers, after pretraining
  int64_t layer_epochs = 15;       ///< B, D: of each layer
  int64_t classifier_epochs = 30;  ///< B, D: of all layers, after pretraining
  int64_t wide_epochs = 30;        ///< C: of each layer
  int64_t steps = 4000;            ///< C: of all layers
  std::vector<int64_t> labels = {100, 600, 1000, 3000};
  int64_t tuning_repeats = 1;
  EngineOptions engine = {};

  bool has(const std::string& control) const;
};

/// How one way of training is run: with this learning rate of all layers, and this share of the
/// epochs.
struct Run {
  double learning_rate;
  double share = 1;
};

/// One way to train in one of the controls.
struct ControlArm {
  std::string name;
  std::string control;  ///< "A", ...
  Start start;
  Way way = Way::none;
  std::string what;           ///< description in a few words
  Plan plan;                  ///< not yet named after the arm
  std::vector<double> rates;  ///< to choose from
  std::string metric;         ///< by which, on the validation rows
  std::string count;          ///< optimizer steps, for the table of arms
  /// The last fits, in order: one, or one for each depth or number of labels.
  std::vector<StageInfo> finals;
  /// Runs the fits of the plan on all images.
  std::function<void(const Split& images, const Run& run, Random& random, const Observer& observer)>
      train;

  /// A score of a last fit, as the study names it.
  study::ScoreOf score(size_t final, const std::string& split, const std::string& name) const;
};

/// The name of the score of A's arms without pretraining after as many multiplications as the
/// others take.
constexpr auto equal_time = "mse_equal_time";

/// All arms of the chosen controls.
/// @param images MNIST's training and test rows, or others
std::vector<ControlArm> control_arms(const ControlOptions& options, const Split& images);

/// The arm with the same start and no pretraining; null if there is none, or `arm` has none.
const ControlArm* without_pretraining(const std::vector<ControlArm>& arms, const ControlArm& arm);

/// Pretrained against not, with the same start.
/// @param margin of accuracies
std::vector<Claim> control_claims(const std::vector<ControlArm>& arms, double margin);

/// What papers print for arms of D, as accuracies.
std::vector<study::Published> published_assay(const std::vector<ControlArm>& arms);

/// The rows of a control. A and C train on the first rows, validate on the last twelfth, and test
/// on test rows. B and D train on the first sixth (10,000 of MNIST), validate on the next thirtieth
/// (2,000), and test on 50,000: the rest, and test rows.
Split rows_of_control(const std::string& control, const ControlOptions& options,
                      const Split& images);

}  // namespace layerwise::apps
