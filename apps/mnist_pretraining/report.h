#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "layerwise/nn/chain.h"
#include "layerwise/study/study.h"

#include "mnist_pretraining/pretraining.h"
#include "mnist_pretraining/tuning.h"

namespace layerwise::apps {

/// A run of this program: its options, its data, and what its repeats share.
struct ComparisonRun {
  ComparisonRun(const PretrainingOptions& options_, LabelledImages images_)
      : options(options_), images(std::move(images_)) {}

  const PretrainingOptions& options;
  LabelledImages images;
  std::optional<Block> components = {};
  TunedRates rates = {};  ///< only with label budgets
};

/// Shows the results: the document's lines, accuracies or label budgets, and the answer.
class ComparisonReport : public study::Report {
 public:
  explicit ComparisonReport(const ComparisonRun& run) : run_(run) {}

  /// Held-out accuracy, and the accuracy on the batch just fitted.
  std::vector<Score> curve_scores(const StageInfo& info, const FitView& view) const override;
  std::string label(const StageInfo& info) const override;
  std::string line(const study::Outcome& outcome) const override;
  std::string epoch_line(const StageInfo& info, const FitView& view,
                         const std::vector<Score>& scores) const override;
  report::Table table(const Plan& plan, const study::Results& results,
                      const study::Curves& curves) const override;
  std::string reading(const study::Results& results) const override;
  std::vector<std::string> lead(const Plan& plan, const study::Results& results) const override;
  std::vector<report::Section> sections(const Plan& plan, const study::Results& results,
                                        const study::Curves& curves) const override;
  std::vector<study::CaptionedFigure> figures(const Plan& plan, const study::Results& results,
                                              const study::Curves& curves) const override;
  std::vector<std::string> figure_names() const override;

 private:
  const PretrainingOptions& options() const { return run_.options; }

  const ComparisonRun& run_;
};

}  // namespace layerwise::apps
