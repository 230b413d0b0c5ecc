#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "cnn_supervised/cnn.h"

namespace layerwise::apps {

/// Accuracy by depth, arm by arm.
class CnnReport : public Report {
 public:
  CnnReport(std::vector<Arm> arms, int64_t depth, const Split& data,
            std::vector<study::Published> published);

  std::string line(const Outcome& outcome) const override;
  /// The mean training loss since the epoch before.
  std::vector<Score> curve_scores(const StageInfo& info, const FitView& view) const override;
  std::string label(const StageInfo& info) const override;
  /// Test accuracies: a row a depth, a column an arm.
  report::Table table(const Plan& plan, const Results& results,
                      const Curves& curves) const override;
  std::string reading(const Results& results) const override;
  std::vector<SummaryLine> summary(const Plan& plan, const Results& results,
                                   const Comparison& published) const override;
  std::vector<CaptionedFigure> figures(const Plan& plan, const Results& results,
                                       const Curves& curves) const override;
  std::vector<std::string> figure_names() const override { return {"depth"}; }
  /// What the arms are, and every split.
  std::vector<report::Section> sections(const Plan& plan, const Results& results,
                                        const Curves& curves) const override;

 private:
  std::vector<Arm> arms_;
  int64_t depth_;
  std::vector<study::Published> published_;
};

}  // namespace layerwise::apps
