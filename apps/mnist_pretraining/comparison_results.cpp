#include "mnist_pretraining/comparison_results.h"

#include <cmath>

#include "mnist_pretraining/comparison.h"

namespace layerwise::apps {

ComparisonResults::ComparisonResults(const PretrainingOptions& options, const Plan& plan,
                                     const Results& results, const Curves& curves)
    : options_(options), plan_(plan), results_(results) {
  for (size_t repeat = 0; repeat < curves.size(); ++repeat) {
    for (const auto& [info, epoch, step, score] : curves[repeat]) {
      if (score.metric != "accuracy") continue;
      const auto [values, _] =
          accuracies_.try_emplace({info.variant, step, score.split}, curves.size(), NAN);
      values->second[repeat] = score.value;
    }
  }
}

std::optional<StageInfo> ComparisonResults::find(const std::string& variant, int64_t labels) const {
  for (const auto& fit : plan_) {
    if (fit.info.variant == variant && !is_encoder(fit.info) &&
        (labels == 0 || fit.info.labels == labels))
      return fit.info;
  }
  return std::nullopt;
}

std::vector<double> ComparisonResults::test(const std::string& variant, int64_t labels) const {
  return results_.values(find(variant, labels).value(), "test", "accuracy");
}

std::vector<double> ComparisonResults::train(const std::string& variant,
                                             const std::string& metric) const {
  return results_.values(find(variant).value(), "train", metric);
}

std::vector<double> ComparisonResults::at(const std::string& variant, int64_t step,
                                          const std::string& split) const {
  const auto found = accuracies_.find({variant, step, split});
  return found != accuracies_.end() ? found->second : std::vector<double>(repeats(), NAN);
}

std::vector<double> ComparisonResults::mean_of_first(const std::string& variant,
                                                     int64_t count) const {
  std::vector<double> sums(repeats(), 0);
  for (int64_t step = 1; step <= count; ++step) {
    const auto values = at(variant, step, "last_batch");
    for (size_t i = 0; i < sums.size(); ++i) sums[i] += values[i] / static_cast<double>(count);
  }
  return sums;
}

int64_t ComparisonResults::steps() const {
  return steps_of(options_.label_counts().front(), options_.training().fit);
}

bool ComparisonResults::looked_at(int64_t step) const {
  return step <= steps() && (step % options_.curve_every == 0 || step == steps());
}

}  // namespace layerwise::apps
