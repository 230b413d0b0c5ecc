#pragma once

#include <string>
#include <vector>

#include "blobs/study_arms.h"

namespace layerwise::apps {

/// The claims of the study, fixed before it runs: what the tutorial says, and greedy deepening
/// against the other arms.
/// @param margin of accuracies
std::vector<Claim> study_claims(const ArmOptions& options, double margin);

/// Answers the tutorial's questions.
class StudyReport : public Report {
 public:
  /// @param claims those of `study_claims`
  StudyReport(const ArmOptions& options, std::vector<Claim> claims, std::vector<Arm> arms);

  std::string line(const Outcome&) const override { return {}; }
  std::vector<Score> curve_scores(const StageInfo&, const FitView&) const override { return {}; }
  std::string reading(const Results&) const override {
    return "Accuracies are means with 95% intervals by Student's t, of collapsed repeats too: "
           "there, "
           "dead units have left less than two directions. All arms of a repeat start from the "
           "same random streams, so that differences between them are paired.";
  }
  /// The arms at their last depth.
  report::Table table(const Plan& plan, const Results& results,
                      const Curves& curves) const override;
  std::vector<std::string> lead(const Plan& plan, const Results& results) const override;
  std::vector<std::string> notes(const Plan& plan, const Results& results) const override;
  std::vector<SummaryLine> summary(const Plan& plan, const Results& results,
                                   const Comparison& published) const override;
  std::vector<CaptionedFigure> figures(const Plan& plan, const Results& results,
                                       const Curves& curves) const override;
  std::vector<std::string> figure_names() const override { return {"depth", "diagnosis"}; }
  /// The tutorial's sentences, judged; and what prevents the crash.
  std::vector<report::Section> sections(const Plan& plan, const Results& results,
                                        const Curves& curves) const override;

 private:
  report::Section answer(const Results& results) const;
  report::Section prevention(const Results& results) const;

  int64_t layers_;
  int64_t autoencoder_layers_;
  std::vector<Claim> claims_;
  std::string scope_;
  std::vector<Arm> arms_;
};

}  // namespace layerwise::apps
