#include "layerwise/study/arms.h"

#include <algorithm>

#include "layerwise/study/statistics.h"

namespace layerwise::study {

Plan plan_of(const std::vector<Arm>& arms) {
  std::vector<Plan> plans;
  for (const auto& arm : arms) plans.push_back(layerwise::of_variant(arm.name, arm.plan));
  return joined(plans);
}

void run(const std::vector<Arm>& arms, const Repeat& repeat, const Split& data) {
  for (const auto& arm : arms) {
    auto variant = repeat.of_variant(arm.name);
    arm.run(variant, data);
  }
}

report::Series mean_by_depth(const Results& results, const Arm& arm, const std::string& extra,
                             const std::string& split, const std::string& metric,
                             const report::Style& style) {
  report::Series series;
  series.title = arm.name;
  series.style = style;
  for (const auto& fit : arm.plan) {
    const auto info = layerwise::of_variant(arm.name, fit.info);
    if (fit.info.variant != extra || fit.info.layers < 2 || !results.has(info, split, metric))
      continue;
    const auto [mean, low, high, count] = mean_interval(results.values(info, split, metric));
    series.x.push_back(static_cast<double>(fit.info.layers));
    series.y.push_back(mean);
    if (count < 2) continue;
    // Of two repeats, an interval may reach beyond all values that there are.
    const bool share = metric.ends_with("accuracy");
    series.low.push_back(share ? std::max(low, 0.0) : low);
    series.high.push_back(share ? std::min(high, 1.0) : high);
  }
  if (series.low.size() != series.x.size()) series.low = series.high = {};
  return series;
}

}  // namespace layerwise::study
