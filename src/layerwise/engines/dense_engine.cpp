#include "layerwise/engines/dense_engine.h"

#include <algorithm>
#include <utility>

#include <torch/utils.h>

#include "layerwise/engines/dense_stage.h"
#include "layerwise/engines/processor.h"
#include "layerwise/train/check_stage.h"

namespace layerwise {

DenseEngine::DenseEngine(const StageView& view, Problem problem, const Split& data,
                         const FitOptions& options)
    : pass_(view, std::move(problem), data, Precision::fp32), batch_size_(options.batch_size) {
  const auto layers = dense_layers(view);
  if (pass_.problem().objective.loss().formula == Formula::cross_entropy) {
    for (const auto& [_, part] : data.parts())
      require_labels(part.targets, layers.back()->options.out_features);
  }
  const auto make = data.train.inputs.is_cpu() ? make_cpu_step : make_device_step;
  step_ = make(layers, pass_.problem(), data.train, options);
  use_.details = step_->details();
}

double DenseEngine::run(std::span<const int64_t> rows) {
  const FlushDenormals flush;
  step_->begin(rows);
  size_t step = 0;
  for (size_t begin = 0; begin < rows.size();) {
    const auto size = std::min(static_cast<size_t>(batch_size_), rows.size() - begin);
    const auto batch = rows.subspan(begin, size);
    factors_.apply(step++, [&](double factor) { step_->scale_learning_rate(factor); });
    step_->take(batch, pass_.place_of(batch, steps_));
    ++steps_;
    begin += size;
    if (begin == rows.size()) last_batch_.assign(batch.begin(), batch.end());
  }
  factors_.clear();
  return step_->take_loss() / static_cast<double>(rows.size());
}

std::vector<Score> DenseEngine::evaluate(const std::string& split) {
  const FlushDenormals flush;
  const auto means = step_->means(pass_.part(split));
  if (!means) return pass_.evaluate(split);
  std::vector<Score> scores;
  const auto& metrics = pass_.problem().objective.metrics;
  for (size_t i = 0; i < metrics.size(); ++i)
    scores.push_back({split, metrics[i].name, plain_nan((*means)[i])});
  return scores;
}

std::vector<Score> DenseEngine::evaluate_last_batch() {
  return pass_.evaluate_batch(last_batch_, steps_ - 1);
}

void DenseEngine::weights_changed() {
  step_->weights_changed();
}

void DenseEngine::scale_learning_rate(std::span<const double> factors) {
  factors_.set(factors);
}

}  // namespace layerwise
