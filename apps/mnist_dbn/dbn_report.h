#pragma once

#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include "layerwise/study/study.h"

#include "mnist_dbn/dbn.h"

namespace layerwise::apps {

/// A run of this program: its options, its data, and its folder, once it has one.
struct DbnRun {
  DbnRun(const DbnOptions& options_, const DbnCondition& condition_, LabelledImages images_)
      : options(options_), condition(condition_), images(std::move(images_)) {}

  const DbnOptions& options;
  const DbnCondition& condition;
  LabelledImages images;
  std::filesystem::path folder;
};

/// Shows the results: each RBM, then all layers beside the published numbers.
class DbnReport : public study::Report {
 public:
  explicit DbnReport(const DbnRun& run) : run_(run) {}

  /// The error of the training batches; of the validation rows the free energy, or, where all
  /// layers are trained, every score.
  std::vector<Score> curve_scores(const StageInfo& info, const FitView& view) const override;
  std::string label(const StageInfo& info) const override;
  std::string line(const study::Outcome& outcome) const override;
  report::Table table(const Plan& plan, const study::Results& results,
                      const study::Curves& curves) const override;
  std::vector<std::string> lead(const Plan& plan, const study::Results& results) const override;
  /// Learning curves, and what the network of repeat 0 has learned.
  std::vector<study::CaptionedFigure> figures(const Plan& plan, const study::Results& results,
                                              const study::Curves& curves) const override;
  std::vector<std::string> figure_names() const override;

 private:
  const DbnRun& run_;
};

}  // namespace layerwise::apps
