#include "layerwise/train/early_stopping.h"

#include <algorithm>
#include <cmath>
#include <stdexcept>
#include <utility>

#include <fmt/format.h>

#include "layerwise/train/evaluate.h"

namespace layerwise {

std::vector<EarlyStopping::Criterion> EarlyStopping::criteria() const {
  std::vector<Criterion> all{{metric, mode}};
  all.insert(all.end(), ties.begin(), ties.end());
  return all;
}

void check(const EarlyStopping& options, const Objective& objective, const Split& data) {
  const auto require = [](bool condition, const std::string& message) {
    if (!condition) throw std::invalid_argument("early stopping: " + message);
  };
  require(options.patience > 0, fmt::format("patience is {}", options.patience));
  const auto parts = data.parts();
  require(std::any_of(parts.begin(), parts.end(),
                      [&](const auto& part) { return part.first == options.split; }),
          fmt::format("the data have no split '{}'", options.split));
  const auto& metrics = objective.metrics;
  for (const auto& criterion : options.criteria()) {
    require(std::any_of(metrics.begin(), metrics.end(),
                        [&](const Metric& metric) { return metric.name == criterion.metric; }),
            fmt::format("the objective does not report '{}'", criterion.metric));
  }
}

BestValues::BestValues(const std::vector<Block>& trained, EarlyStopping options)
    : trained_(chain_of(trained)), options_(std::move(options)), criteria_(options_.criteria()) {}

bool BestValues::improves(const std::vector<double>& values) const {
  if (std::any_of(values.begin(), values.end(), [](double value) { return std::isnan(value); }))
    return false;
  if (values_.empty()) return true;
  const auto [now, best] = std::mismatch(values.begin(), values.end(), values_.begin());
  if (now == values.end()) return false;
  const auto& criterion = criteria_[static_cast<size_t>(now - values.begin())];
  return criterion.mode == Mode::max ? *now > *best : *now < *best;
}

Next BestValues::operator()(const FitView& view) {
  const auto scores = view.engine.evaluate(options_.split);
  std::vector<double> values;
  for (const auto& criterion : criteria_)
    values.push_back(value_of(scores, options_.split, criterion.metric));
  if (!improves(values)) return ++looks_without_ >= options_.patience ? Next::stop : Next::go_on;
  looks_without_ = 0;
  values_ = std::move(values);
  step_ = view.step;
  if (options_.restore_best) best_.emplace(*trained_);
  return Next::go_on;
}

bool BestValues::restore() const {
  if (best_) best_->restore();
  return best_.has_value();
}

}  // namespace layerwise
