#pragma once

#include <string>
#include <vector>

#include "layerwise/report/page.h"

#include "mnist_pretraining/comparison_results.h"
#include "mnist_pretraining/tuning.h"

namespace layerwise::apps {

/// The training accuracies that the document prints for one variant, from step 1 on: one run.
struct PublishedCurve {
  std::string variant;
  std::vector<double> accuracies;
};
/// @see "Pretraining neural net example in Aurelien Geron's book", datascience.stackexchange.com,
///   question 31100
const std::vector<PublishedCurve>& published_accuracies();

/// Every variant's accuracy: held out after a few steps, on the test rows at the end, and how far
/// that is from no pretraining.
report::Table accuracy_table(const PretrainingOptions& options, const ComparisonResults& results);
/// What is to be known of a run before its numbers are read.
std::vector<std::string> comparison_notes(const PretrainingOptions& options,
                                          const Results& results);

/// The question answered from the run's own numbers. Every sentence stands on an interval over the
/// repeats; one that the numbers do not support is left out.
std::vector<report::Section> answer_sections(const PretrainingOptions& options,
                                             const ComparisonResults& results);

/// Accuracy on the test rows for each number of labels and each variant.
report::Table budget_table(const PretrainingOptions& options, const ComparisonResults& results,
                           bool tuned);
/// Where pretraining pays, does not, or is undecided, for each number of labels.
std::vector<report::Section> budget_sections(const PretrainingOptions& options,
                                             const ComparisonResults& results,
                                             const TunedRates& rates);

}  // namespace layerwise::apps
