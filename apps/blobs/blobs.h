#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "layerwise/data/blobs.h"
#include "layerwise/nn/dense.h"
#include "layerwise/study/study.h"

#include "common/program.h"

namespace layerwise::apps {

/// The tutorial's data, as options: `make_blobs`, with the first half for training.
struct BlobsData {
  int64_t samples = 1000;
  int64_t centers = 3;
  int64_t features = 2;
  std::vector<double> cluster_std = {2};  ///< one, or one for each center
  int64_t random_state = 2;
  std::string export_file;

  void add_to(CLI::App& app);
  /// @throws UsageError if options do not fit together
  LabelledPoints make() const;
  /// Writes the data to `export_file`, if it is set. @throws report::Failure if that fails
  void export_to_file(const LabelledPoints& blobs) const;
  int64_t train_rows() const { return samples / 2; }
};

/// The tutorial's network and its fits, as options.
struct Training {
  explicit Training(int64_t layers_) : layers(layers_) {}

  /// The options of every fit.
  FitOptions options(const EngineOptions& engine) const;

  int64_t layers;
  int64_t units = 10;
  int64_t epochs = 100;
  int64_t batch_size = 32;
  Sgd sgd;

  void add_to(CLI::App& app);
  /// The network of the first stage; the weights of its block are drawn before those of its head.
  GreedyNet net(int64_t inputs, int64_t outputs, Random& random) const;
  BlockFactory next_block() const;
};

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

/// The tutorial's data and published values, with the results of the run beside them.
class BlobsReport : public Report {
 public:
  BlobsReport(LabelledPoints blobs, int64_t train_rows, std::vector<Published> published);

  std::vector<std::string> notes(const Plan& plan, const Results& results) const override;
  /// The data, then the program's own figures.
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
