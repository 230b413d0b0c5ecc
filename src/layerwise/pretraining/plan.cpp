#include "layerwise/pretraining/plan.h"

#include <algorithm>
#include <cctype>
#include <stdexcept>
#include <utility>

#include <fmt/format.h>

namespace layerwise {

const char* name_of(Task task) {
  return task == Task::reconstruction ? "reconstruction" : "classification";
}

StageInfo::StageInfo(int64_t stage_, int64_t layers_, std::string variant_, Task task_,
                     int64_t labels_)
    : stage(stage_), layers(layers_), variant(std::move(variant_)), task(task_), labels(labels_) {}

PlannedFit::PlannedFit(StageInfo info_, int64_t epochs_, Scores scores_)
    : info(std::move(info_)),
      epochs(epochs_),
      scores(std::move(scores_)),
      work(static_cast<double>(epochs_)) {}

StageInfo of_variant(const std::string& name, StageInfo info) {
  const auto plain = [](unsigned char c) {
    return std::isalnum(c) != 0 || c == '-' || c == '_' || c == '.';
  };
  if (name.empty() || !std::all_of(name.begin(), name.end(), plain)) {
    throw std::invalid_argument(fmt::format(
        "of_variant: the name '{}' is not one of letters, digits, '-', '_' and '.'", name));
  }
  info.variant = info.variant.empty() ? name : fmt::format("{}: {}", name, info.variant);
  return info;
}

Plan of_variant(const std::string& name, Plan plan) {
  for (auto& fit : plan) fit.info = of_variant(name, std::move(fit.info));
  return plan;
}

bool belongs_to(const std::string& name, const StageInfo& info) {
  return info.variant == name || info.variant.rfind(name + ": ", 0) == 0;
}

std::vector<std::string> network_names(const Plan& plan) {
  const bool several = std::none_of(plan.begin(), plan.end(),
                                    [](const PlannedFit& fit) { return fit.info.variant.empty(); });
  std::vector<std::string> names;
  for (const auto& fit : plan) {
    const auto& variant = fit.info.variant;
    names.push_back(several ? variant.substr(0, variant.find(": ")) : std::string());
  }
  return names;
}

Plan joined(const std::vector<Plan>& plans) {
  Plan all;
  for (const auto& plan : plans) all.insert(all.end(), plan.begin(), plan.end());
  return all;
}

std::vector<std::pair<std::string, std::string>> scores_of(
    const std::vector<std::string>& splits, const std::vector<std::string>& metrics) {
  std::vector<std::pair<std::string, std::string>> scores;
  for (const auto& split : splits)
    for (const auto& metric : metrics) scores.emplace_back(split, metric);
  return scores;
}

std::vector<std::string> names_of(const Split& data) {
  std::vector<std::string> names;
  for (const auto& [name, _] : data.parts()) names.push_back(name);
  return names;
}

bool reports(const PlannedFit& fit, const std::string& metric) {
  return std::any_of(fit.scores.begin(), fit.scores.end(),
                     [&](const auto& score) { return score.second == metric; });
}

std::vector<std::string> metrics_of(const Plan& plan) {
  std::vector<std::string> metrics;
  for (const auto& fit : plan) {
    for (const auto& [_, metric] : fit.scores) {
      if (std::find(metrics.begin(), metrics.end(), metric) == metrics.end())
        metrics.push_back(metric);
    }
  }
  return metrics;
}

}  // namespace layerwise
