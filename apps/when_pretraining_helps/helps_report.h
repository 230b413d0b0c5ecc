#pragma once

#include <map>
#include <string>
#include <vector>

#include "layerwise/study/study.h"

#include "when_pretraining_helps/controls.h"

namespace layerwise::apps {

/// Shows the controls: a panel for each (of E two), from bad and from good starts, and verdicts.
class HelpsReport : public study::Report {
 public:
  /// @param rates chosen before the repeats, by arm
  HelpsReport(std::vector<ControlArm> arms, const std::map<std::string, double>& rates,
              std::vector<Baseline> baselines)
      : Report(std::vector<std::string>()),
        arms_(std::move(arms)),
        rates_(rates),
        baselines_(std::move(baselines)) {}

  std::vector<Score> curve_scores(const StageInfo& info, const FitView& view) const override;
  std::string label(const StageInfo& info) const override;
  std::string line(const study::Outcome& outcome) const override;
  /// A row for each arm and each of its last fits.
  report::Table table(const Plan& plan, const study::Results& results,
                      const study::Curves& curves) const override;
  std::string reading(const study::Results& results) const override;
  /// For each control: where pretraining helps, and where it does not.
  std::vector<std::string> lead(const Plan& plan, const study::Results& results) const override;
  std::vector<study::SummaryLine> summary(const Plan& plan, const study::Results& results,
                                          const study::Comparison& published) const override;
  std::vector<study::CaptionedFigure> figures(const Plan& plan, const study::Results& results,
                                              const study::Curves& curves) const override;
  std::vector<std::string> figure_names() const override { return {"controls"}; }
  /// What the arms are, their steps and learning rates.
  std::vector<report::Section> sections(const Plan& plan, const study::Results& results,
                                        const study::Curves& curves) const override;

 private:
  const ControlArm* owner_of(const StageInfo& info) const;

  std::vector<ControlArm> arms_;
  const std::map<std::string, double>& rates_;
  std::vector<Baseline> baselines_;
};

}  // namespace layerwise::apps
