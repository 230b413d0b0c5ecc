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

/// What a comparison came to, as its tables, sentences and figures ask for it. Values are those of
/// each repeat in order, NaN for a repeat that has none.
class ComparisonResults {
 public:
  ComparisonResults(const PretrainingOptions& options, const Plan& plan, const Results& results,
                    const Curves& curves);

  bool has(const std::string& variant) const { return find(variant).has_value(); }
  /// The fit of this name with so many labels, or if they are 0, with the fewest.
  std::optional<StageInfo> find(const std::string& variant, int64_t labels = 0) const;

  /// Accuracy on the test rows at the end.
  std::vector<double> test(const std::string& variant, int64_t labels = 0) const;
  /// A score on the rows trained on at the end.
  std::vector<double> train(const std::string& variant, const std::string& metric) const;
  /// Accuracy after a step, on "validation" or "last_batch".
  std::vector<double> at(const std::string& variant, int64_t step, const std::string& split) const;
  /// Accuracy over the first steps, the mean of as many as a document prints.
  std::vector<double> mean_of_first(const std::string& variant, int64_t steps) const;

  int64_t steps() const;
  /// Held-out accuracy was measured after this step.
  bool looked_at(int64_t step) const;
  size_t repeats() const { return results_.repeats.size(); }
  const Results& results() const { return results_; }

 private:
  const PretrainingOptions& options_;
  const Plan& plan_;
  const Results& results_;
  /// Over the repeats, by variant, step and split.
  std::map<std::tuple<std::string, int64_t, std::string>, std::vector<double>> accuracies_;
};

}  // namespace layerwise::apps
