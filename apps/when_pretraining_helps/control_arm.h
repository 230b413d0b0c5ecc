#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "layerwise/study/arms.h"
#include "layerwise/study/claims.h"

#include "common/options.h"
#include "when_pretraining_helps/ways.h"

namespace layerwise::apps {

/// How long the controls train, as options.
struct ControlOptions {
  std::vector<std::string> controls = {};
  int64_t train_rows = 50000;      ///< of A, and unlabeled ones of C
  int64_t autoencoder_epochs = 2;  ///< A: of each layer
  int64_t tuning_epochs = 5;       ///< A: of all layers, after pretraining
  int64_t layer_epochs = 10;       ///< B, D, E: of each layer
  int64_t classifier_epochs = 20;  ///< B, D, E: of all layers, after pretraining
  int64_t wide_epochs = 30;        ///< C: of each layer
  int64_t steps = 4000;            ///< C: of all layers
  std::vector<int64_t> labels = {100, 600, 1000, 3000};
  int64_t tuning_repeats = 3;
  EngineOptions engine = {};

  bool has(const std::string& control) const;
};

/// Those that choose a learning rate train and validate: they have no test rows.
enum class Rows { all, that_choose };

/// How much of an arm is run.
struct Run {
  double share = 1;  ///< of the epochs
  /// Whether the run only serves to choose the learning rate: the test rows are not needed, nor
  /// fits that choose none.
  bool trial = false;

  /// At least 1.
  int64_t of(int64_t count) const;
  Rows rows() const { return trial ? Rows::that_choose : Rows::all; }
};

/// What the last fits of an arm start from.
struct Pretrained {
  StackedAutoencoder net;  ///< random with `Way::none`; empty if a stage diverged
  Random before;           ///< the streams before its weights were drawn
  Random after;            ///< and after it was trained
};

/// A last fit of an arm, which gives one of its results.
struct Final {
  StageInfo info;     ///< not yet named after the arm
  std::string where;  ///< "depth 3", "600 labels"; empty where the arm has one result
  double x = 0;       ///< in a figure: depth, or number of labels
  /// What the arm without pretraining has in the place of pretrained layers.
  std::string baseline = "no pretraining";
  /// Whether the learning rate is chosen by this fit, among others.
  bool chooses_rate = true;
};

/// One way to train in one of the controls.
struct ControlArm {
  std::string name;
  std::string control;    ///< "A", ...
  std::string task = {};  ///< which images, where a control has several kinds
  Start start;
  Way way = Way::none;
  std::string what;           ///< description in a few words
  Plan plan;                  ///< not yet named after the arm
  std::vector<double> rates;  ///< to choose from
  std::string metric;         ///< by which, on the validation rows
  std::string count;          ///< optimizer steps, for the table of arms
  std::string features =
      {};  ///< of a softmax regression that an arm is compared with: what it is on
  std::vector<Final> finals;
  /// Runs the stages of the plan, on its rows of all images.
  std::function<Pretrained(const Split& images, const Run& run, const Random& random,
                           const Observer& observer)>
      pretrain;
  /// Runs its last fits on copies of the network; none if that is empty.
  std::function<void(const Pretrained& pretrained, const Split& images, const Run& run,
                     double learning_rate, const Observer& observer)>
      tune;

  /// A score of a last fit, as the study names it.
  study::ScoreOf score(size_t final, const std::string& split, const std::string& name) const;
  /// Expected number of multiplications of a repeat: of `pretrain` and of `tune`.
  double work() const { return pretraining_work() + tuning_work(); }
  double pretraining_work() const { return work_of(/*last_fits=*/false); }
  double tuning_work() const { return work_of(/*last_fits=*/true); }
  double work_of(bool last_fits) const;
};

/// The name of the score of A's arms without pretraining after as many multiplications as the
/// others take.
constexpr auto equal_time = "mse_equal_time";

/// The name of the score of A's arms that counts the epochs of all layers until their loss is a
/// twentieth below that of a constant output: one more than there are, if it never is.
constexpr auto epochs_on_plateau = "epochs_on_plateau";

/// The name of an arm, from those of its control, its task, its start and its way.
std::string arm_name(const std::string& control, const std::string& task, const Start& start,
                     Way way);
/// What an arm is, in a few words.
std::string words_for(const std::string& task, const Start& start, Way way);

/// What the arms of all controls have alike: their names, their start, and how they are run.
/// @param training has `layers`, `rows` and `tune`, which needs no check of the network
template <typename Training>
ControlArm arm_of(const Training& training, const std::string& control,
                  const std::string& task = {}) {
  ControlArm arm;
  arm.control = control;
  arm.task = task;
  arm.start = training.layers.start;
  arm.way = training.layers.way;
  arm.name = arm_name(control, task, arm.start, arm.way);
  arm.what = words_for(task, arm.start, arm.way);
  arm.pretrain = [training](const Split& images, const Run& run, const Random& random,
                            const Observer& observer) {
    auto layers = training.layers;
    layers.epochs = run.of(layers.epochs);
    Random after = random;
    auto net = layers.run(training.rows(images, run.rows()), after, observer);
    return Pretrained{net, random, after};
  };
  arm.tune = [training](const Pretrained& pretrained, const Split& images, const Run& run,
                        double learning_rate, const Observer& observer) {
    if (!pretrained.net.is_empty()) training.tune(pretrained, images, run, learning_rate, observer);
  };
  return arm;
}

/// Multiplications of one epoch of the forward pass through the first `depth` layers.
double forward_work(const std::vector<int64_t>& units, int64_t depth, int64_t rows);
/// A planned fit of a classifier, with its accuracy and cross-entropy.
PlannedFit classification_fit(const StageInfo& info, int64_t epochs, double work,
                              const std::vector<std::string>& splits);
/// The variant of `classifier_variants`.
const ClassifierVariant& variant_named(const std::string& name);

/// The rows `begin`, ..., `end` - 1, without a copy.
Dataset slice(const Dataset& data, int64_t begin, int64_t end);
/// The rows of A and C: the first ones train, the last twelfth validates, test rows test.
Split rows_of_all(const ControlOptions& options, const Split& images, Rows which = Rows::all);
/// The rows of B, D and E: the first sixth trains (10,000 of MNIST), the next thirtieth validates
/// (2,000), and 50,000 test: the rest, and test rows.
Split rows_of_assay(const Split& images, Rows which = Rows::all);

/// Makes images from random numbers, as `make_rectangles`.
using MakeImages = Dataset (*)(int64_t rows, RandomState& random);
/// How many rows each part of a split has.
struct SplitSizes {
  int64_t train;
  int64_t validation;
  int64_t test;
};
SplitSizes sizes_of(const Split& data);

/// Generated images, made when they are first asked for, from a stream of their own: those to test
/// with, then those that validate, then those to train on. So the first two are the same whatever
/// the number of training rows.
class GeneratedImages {
 public:
  GeneratedImages(MakeImages make, const SplitSizes& sizes) : make_(make), sizes_(sizes) {}
  /// On a device.
  Split rows(const c10::Device& device, Rows which);

 private:
  MakeImages make_;
  SplitSizes sizes_;
  std::once_flag made_;
  Split rows_;
};

/// How well A's images are reconstructed without a network: by their mean, and by as many principal
/// components as the code has units.
struct Baseline {
  std::string task;  ///< as an arm's
  std::string what;
  double error;           ///< squared error an image, on the test rows
  std::string published;  ///< empty if nothing is
};
/// @param mnist whether the images are MNIST's, of which errors are published
/// @see Hinton and Salakhutdinov, "Reducing the Dimensionality of Data with Neural Networks", 2006
std::vector<Baseline> autoencoder_baselines(const ControlOptions& options, const Split& images,
                                            const std::vector<ControlArm>& arms, bool mnist);

/// The arms of each control.
std::vector<ControlArm> autoencoder_arms(const ControlOptions& options, const Split& images);
std::vector<ControlArm> depth_arms(const ControlOptions& options, const Split& images);
std::vector<ControlArm> labels_arms(const ControlOptions& options, const Split& images);
std::vector<ControlArm> assay_arms(const ControlOptions& options, const Split& images);
std::vector<ControlArm> denoising_arms(const ControlOptions& options, const Split& images);

}  // namespace layerwise::apps
