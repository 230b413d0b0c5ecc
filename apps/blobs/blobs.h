#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "layerwise/data/blobs.h"
#include "layerwise/nn/activation.h"
#include "layerwise/nn/dense.h"
#include "layerwise/study/study.h"

#include "common/optimizer_choice.h"
#include "common/program.h"

namespace layerwise::apps {

/// The tutorial's data, as options: `make_blobs`, with the first half for training.
struct BlobsData {
  int64_t samples = 1000;
  int64_t centers = 3;
  int64_t features = 2;
  std::vector<double> cluster_std = {2};  ///< one, or one for each center
  int64_t random_state = 2;
  bool vary = false;         ///< each repeat has data of its own
  int64_t test_samples = 0;  ///< fresh points to test with; 0: the second half of the samples
  bool standardize = false;
  int64_t validation = 0;  ///< the last so many training rows validate
  std::string export_file;

  void add_to(CLI::App& app);
  /// `--validation`, for programs that use such rows.
  void add_validation_to(CLI::App& app);
  /// The points of a repeat. @throws UsageError if options do not fit together
  LabelledPoints make(int64_t repeat = 0) const;
  /// The points that a repeat is tested with.
  LabelledPoints test_points(int64_t repeat = 0) const;
  /// What a repeat is trained and tested on.
  Split split_of(int64_t repeat = 0) const;
  /// The data of a repeat, on the device: those of the study, unless each has its own.
  Split of(const Repeat& repeat) const;
  /// Writes the data to `export_file`, if it is set. @throws report::Failure if that fails
  void export_to_file(const LabelledPoints& blobs) const;
  int64_t train_rows() const { return samples / 2; }
};

/// The same rows with inputs of mean 0 and standard deviation 1 in the training rows.
Split standardized(const Split& data);

/// The share of points that the Bayes rule classifies as their labels: it knows the centers and
/// standard deviations that the points were drawn with, from equally probable centers.
/// @param cluster_std one, or one for each center
double bayes_accuracy(const LabelledPoints& blobs, const std::vector<double>& cluster_std);

/// Mean squared errors of reconstructions that keep little of the inputs, fitted to the training
/// rows.
struct PoorReconstruction {
  double constant;       ///< the mean of the training rows
  double one_direction;  ///< the first principal component
};
/// @param rows of one split of the data whose training rows are `train`, both [rows, features]
PoorReconstruction poor_reconstruction(const torch::Tensor& train, const torch::Tensor& rows);

/// The statement of a claim about codes of two depths.
std::string code_claim(int64_t layers, int64_t than, const std::string& score);
/// What the tutorial says about deepening an autoencoder to so many layers: accuracy of the codes,
/// and reconstruction error.
/// @param margin of accuracies
/// @param network the name of the autoencoder in a study of several networks
/// @see Brownlee 2019, "Unsupervised Greedy Layer-Wise Pretraining", below the results
std::vector<Claim> code_claims(int64_t layers, double margin, const std::string& network = {});

/// The tutorial's network and its fits, as options.
struct Training {
  explicit Training(int64_t layers_) : layers(layers_) {}

  /// @throws UsageError if options do not fit together, or to so many training rows
  void check(const RunOptions& run, int64_t rows) const;
  /// The options of every fit.
  FitOptions options(const EngineOptions& engine) const;

  int64_t layers;
  int64_t units = 10;
  int64_t epochs = 100;
  int64_t batch_size = 32;
  Activation activation = Activation::relu;
  OptimizerChoice optimizer;

  void add_to(CLI::App& app);
  Block hidden(int64_t inputs, RandomState& draw) const;
  /// The network of the first stage; the weights of its block are drawn before those of its head.
  GreedyNet net(int64_t inputs, int64_t outputs, Random& random) const;
  BlockFactory next_block() const;
};

/// `--fine-tune-learning-rate`, of any fine-tuning.
CLI::Option* add_fine_tuning_rate(CLI::App& app, FineTuning& fine_tuning);

/// `--NAME [EPOCHS]`: a fine-tuning, with its own number of epochs if it is given.
struct OwnFineTuning {
  bool on = false;
  std::optional<int64_t> epochs = {};

  void add_to(CLI::App& app, const std::string& name, const std::string& description);
  /// The fine-tuning, with everything but its own epochs from `common`; none if it is off.
  std::optional<FineTuning> over(FineTuning common) const;
};

/// Notes for a user whose run diverged or collapsed: what that means and what to try.
std::vector<std::string> trouble_notes(const Results& results, const Plan& plan);

/// A figure of the panels of `code_diagnosis`.
CaptionedFigure diagnosis_figure(std::vector<report::Panel> panels);

/// A sentence: how many repeats of an autoencoder are of which kind after its last stage, with
/// intervals.
std::string diagnosis(const Results& results, const StageInfo& last);

/// The tutorial's data and published values, with the results of the run beside them.
class BlobsReport : public Report {
 public:
  BlobsReport(LabelledPoints blobs, int64_t train_rows, std::vector<Published> published);

  std::vector<std::string> notes(const Plan& plan, const Results& results) const override;
  /// The program's own figures, then the data.
  std::vector<CaptionedFigure> figures(const Plan& plan, const Results& results,
                                       const Curves& curves) const override;
  std::vector<std::string> figure_names() const override;

 protected:
  virtual std::vector<CaptionedFigure> own_figures(const Plan& plan, const Results& results,
                                                   const Curves& curves) const = 0;
  const std::vector<Published>& published() const { return published_; }

 private:
  LabelledPoints blobs_;
  int64_t train_rows_;
  std::vector<Published> published_;
};

/// The published values, and how the settings of this run differ from theirs.
Comparison compared(const RunOptions& run, std::vector<Published> published);

}  // namespace layerwise::apps
