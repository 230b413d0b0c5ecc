#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <tuple>
#include <vector>

#include "layerwise/study/results.h"

#include "mnist_pretraining/pretraining.h"

namespace layerwise::apps {

/// The results of a comparison, as its tables, sentences and figures need them. A vector holds the
/// value of each repeat, in order; NaN for a repeat that has none.
class ComparisonResults {
 public:
  ComparisonResults(const PretrainingOptions& options, const Plan& plan, const Results& results,
                    const Curves& curves);

  bool has(const std::string& variant) const { return find(variant).has_value(); }
  /// The fit with this name and number of labels; with 0, the one with the fewest labels.
  std::optional<StageInfo> find(const std::string& variant, int64_t labels = 0) const;

  /// The accuracy on the test rows at the end.
  std::vector<double> test(const std::string& variant, int64_t labels = 0) const;
  /// A score on the training rows at the end.
  std::vector<double> train(const std::string& variant, const std::string& metric) const;
  /// The accuracy after a step, on "validation" or "last_batch".
  std::vector<double> at(const std::string& variant, int64_t step, const std::string& split) const;
  /// The mean accuracy over the first `steps` steps, each on the batch that it has fitted.
  std::vector<double> mean_of_first(const std::string& variant, int64_t steps) const;

  int64_t steps() const;
  /// Whether held-out accuracy was measured after this step.
  bool looked_at(int64_t step) const;
  size_t repeats() const { return results_.repeats.size(); }
  const Results& results() const { return results_; }
  const Plan& plan() const { return plan_; }

 private:
  const PretrainingOptions& options_;
  const Plan& plan_;
  const Results& results_;
  /// The accuracies of the repeats, by variant, step and split.
  std::map<std::tuple<std::string, int64_t, std::string>, std::vector<double>> accuracies_;
};

}  // namespace layerwise::apps
