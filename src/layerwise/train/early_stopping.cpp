#include "layerwise/train/early_stopping.h"

#include <stdexcept>

#include <fmt/format.h>

#include "layerwise/train/evaluate.h"

namespace layerwise {

EarlyStopping::EarlyStopping(const torch::nn::Module& trained, int64_t patience)
    : trained_(trained), patience_(patience) {
  if (patience < 1)
    throw std::invalid_argument(fmt::format("EarlyStopping: patience is {}", patience));
}

Next EarlyStopping::operator()(const FitView& view) {
  const auto scores = view.engine.evaluate("validation");
  const double accuracy = value_of(scores, "validation", "accuracy");
  const double cross_entropy = value_of(scores, "validation", "cross_entropy");
  const bool better =
      accuracy > accuracy_ || (accuracy == accuracy_ && cross_entropy < cross_entropy_);
  if (!better) return ++calls_without_ >= patience_ ? Next::stop : Next::go_on;
  calls_without_ = 0;
  accuracy_ = accuracy;
  cross_entropy_ = cross_entropy;
  best_step_ = view.step;
  best_.emplace(trained_);
  return Next::go_on;
}

void EarlyStopping::restore() const {
  if (best_) best_->restore();
}

}  // namespace layerwise
