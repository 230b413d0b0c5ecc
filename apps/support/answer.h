#pragma once

#include <string>
#include <vector>

#include "support/experiment.h"
#include "support/pretraining.h"
#include "support/tuning.h"

namespace layerwise::apps {

/// The training accuracies that the document prints for one variant, from step 1 on: one run.
struct PublishedCurve {
  std::string variant;
  std::vector<double> accuracies;
};
/// @see the question "Pretraining neural net example in Aurelien Geron's book", 2018
const std::vector<PublishedCurve>& published_accuracies();

/// Every variant's accuracy: held out at a few steps, on the test rows at the end, and how far that
/// is from no pretraining; at several label budgets, on the test rows.
report::Table table_of(const PretrainingOptions& options, const std::vector<PlannedFit>& plan,
                       const Study& study, const Curves& curves);
/// What is to be known of a run before its numbers are read.
std::vector<std::string> notes_on(const PretrainingOptions& options, const RunOptions& run,
                                  const std::vector<PlannedFit>& plan, const Study& study);
/// The question answered from the run's own numbers: what they do not support is left out.
std::vector<report::Section> answer_sections(const PretrainingOptions& options,
                                             const std::vector<PlannedFit>& plan,
                                             const Study& study, const Curves& curves);
/// Where pretraining pays, does not, or is undecided, for each number of labels.
std::vector<report::Section> budget_sections(const PretrainingOptions& options,
                                             const std::vector<PlannedFit>& plan,
                                             const Study& study, const TunedRates& rates);

std::vector<CaptionedFigure> accuracy_figures(const PretrainingOptions& options,
                                              const std::vector<PlannedFit>& plan,
                                              const Study& study, const Curves& curves);
std::vector<CaptionedFigure> budget_figures(const PretrainingOptions& options,
                                            const std::vector<PlannedFit>& plan,
                                            const Study& study);

}  // namespace layerwise::apps
