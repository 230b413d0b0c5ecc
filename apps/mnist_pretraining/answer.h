#pragma once

#include <string>
#include <vector>

#include "layerwise/report/page.h"

#include "mnist_pretraining/comparison_results.h"
#include "mnist_pretraining/tuning.h"

namespace layerwise::apps {

/// The training accuracies that the document prints for one variant, from step 1 on; they are from
/// a single run.
struct PublishedCurve {
  std::string variant;
  std::vector<double> accuracies;
};
/// @see "Pretraining neural net example in Aurelien Geron's book", datascience.stackexchange.com,
///   question 31100
const std::vector<PublishedCurve>& published_accuracies();

/// The accuracy of every variant: held out after a few steps, on the test rows at the end, and the
/// difference from no pretraining.
report::Table accuracy_table(const PretrainingOptions& options, const ComparisonResults& results);
/// How to read the numbers of several repeats.
std::string points_and_brackets(size_t repeats);
/// What limits the numbers of a run.
std::vector<std::string> comparison_notes(const PretrainingOptions& options,
                                          const Results& results);

/// The answer to the question, from the run's own numbers. Every sentence is based on an interval
/// over the repeats; a sentence that the numbers do not support is left out.
std::vector<report::Section> answer_sections(const PretrainingOptions& options,
                                             const ComparisonResults& results);

/// Accuracy on the test rows for each number of labels and each variant.
report::Table budget_table(const PretrainingOptions& options, const ComparisonResults& results,
                           bool tuned);
/// Whether pretraining pays, costs, or is undecided, for each number of labels.
std::vector<report::Section> budget_sections(const PretrainingOptions& options,
                                             const ComparisonResults& results,
                                             const TunedRates& rates);

}  // namespace layerwise::apps
