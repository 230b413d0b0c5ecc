#include "mnist_pretraining/answer_figures.h"

#include <algorithm>
#include <string>

#include <fmt/format.h>

#include "layerwise/study/statistics.h"

#include "mnist_pretraining/answer.h"
#include "mnist_pretraining/comparison.h"

namespace layerwise::apps {

namespace {

using report::Panel;
using report::Series;
using report::Style;

/// How a variant is drawn in every figure.
struct VariantLook {
  const char* variant;
  const char* color;
  int dash;
  int marker;  ///< point type of the values that the document prints
};

constexpr VariantLook looks[] = {
    {"none", "#000000", 1, 6},
    {"frozen", "#c03a2b", 1, 7},
    {"fine-tuned", "#1f6fb4", 2, 0},
    {"head-first", "#7b4ea3", 4, 0},
    {"standardized", "#e07b00", 5, 0},
    {"random-frozen", "#2a8a57", 2, 0},
    {"random-standardized", "#67a9cf", 5, 0},
    {"pca", "#8c6d31", 4, 0},
    {"pixels", "#6b6b6b", 3, 0},
};

const VariantLook& look_of(const std::string& variant) {
  return *std::find_if(std::begin(looks), std::end(looks),
                       [&](const VariantLook& look) { return look.variant == variant; });
}

/// Adds a point with its interval to a line; a single repeat has no interval.
void add_point(Series& series, double x, const std::vector<double>& values) {
  const auto mean = mean_interval(values);
  series.x.push_back(x);
  series.y.push_back(mean.mean);
  if (values.size() == 1) return;
  series.low.push_back(mean.low);
  series.high.push_back(mean.high);
}

Series line_of(const VariantLook& look) {
  Series series;
  series.label = look.variant;
  series.style = {Style::Kind::line, look.color, 0, look.dash, 0};
  return series;
}

Series held_out(const ComparisonResults& results, const VariantLook& look) {
  auto series = line_of(look);
  for (int64_t step = 0; step <= results.steps(); ++step) {
    if (results.looked_at(step))
      add_point(series, static_cast<double>(step), results.at(look.variant, step, "validation"));
  }
  return series;
}

Series printed(const PublishedCurve& published) {
  const auto& look = look_of(published.variant);
  Series series;
  for (size_t i = 0; i < published.accuracies.size(); ++i) {
    series.x.push_back(static_cast<double>(i + 1));
    series.y.push_back(published.accuracies[i]);
  }
  series.title =
      fmt::format("printed {} pretraining", published.variant == "none" ? "without" : "with");
  series.style = {Style::Kind::points, look.color, look.marker, 1, 0.7};
  return series;
}

std::vector<double> step_tics(int64_t steps) {
  std::vector<double> tics;
  for (const int64_t tic : {0, 1, 5, 10, 20, 40, 80}) {
    if (static_cast<double>(tic) < 0.75 * static_cast<double>(steps))
      tics.push_back(static_cast<double>(tic));
  }
  tics.push_back(static_cast<double>(steps));
  return tics;
}

std::string interval_words(const ComparisonResults& results) {
  return results.repeats() > 1
             ? fmt::format("means over {} repeats, with their 95% confidence intervals as bands",
                           results.repeats())
             : "one run";
}

Panel by_labels(const PretrainingOptions& options, const ComparisonResults& results, bool tuned) {
  Panel panel;
  panel.title =
      tuned ? fmt::format("up to {} steps, early stopping, tuned learning rates", options.steps)
            : fmt::format("{} epochs at learning rate {}", options.epochs, options.learning_rate);
  panel.x_label = "labels";
  panel.y_label = "accuracy on test rows";
  panel.y_format = "%.2f";
  panel.x_scale = report::Scale::logarithmic;
  for (const auto labels : options.label_counts())
    panel.x_tics.push_back(static_cast<double>(labels));
  for (const auto& variant : options.chosen_variants()) {
    auto series = line_of(look_of(variant.name));
    for (const auto labels : options.label_counts()) {
      add_point(series, static_cast<double>(labels), results.test(name_of(variant, tuned), labels));
    }
    panel.series.push_back(series);
  }
  return panel;
}

}  // namespace

std::vector<CaptionedFigure> accuracy_figures(const PretrainingOptions& options,
                                              const ComparisonResults& results) {
  const std::vector<std::vector<std::string>> groups{
      {"none", "frozen", "fine-tuned", "head-first", "standardized"},
      {"frozen", "random-frozen", "random-standardized", "pca", "pixels"}};
  const auto chosen = options.chosen_variants();
  report::Figure figure{"held_out_accuracy", {}};
  for (const auto& group : groups) {
    Panel panel;
    const bool first = &group == &groups.front();
    panel.title =
        first ? "with and without a pretrained encoder" : "what a head can stand on instead";
    panel.x_label = "step (square-root scale)";
    panel.y_label = "held-out accuracy";
    panel.y_format = "%.1f";
    panel.x_scale = report::Scale::square_root;
    panel.x_tics = step_tics(results.steps());
    bool own = false;
    for (const auto& name : group) {
      if (!results.has(name)) continue;
      own = own || first || name != "frozen";
      panel.series.push_back(held_out(results, look_of(name)));
    }
    for (const auto& published : published_accuracies()) {
      if (first && results.results().comparable && results.has(published.variant))
        panel.series.push_back(printed(published));
    }
    if (own) figure.panels.push_back(panel);
  }
  figure.height = 430 * static_cast<int>(figure.panels.size());
  return {
      {figure, fmt::format("Held-out accuracy of each classifier on {} labels, from before the "
                           "first step on: {}. The points are what the document prints: one run "
                           "each, measured on the batch that the step has just fitted.",
                           options.labels, interval_words(results))}};
}

std::vector<CaptionedFigure> budget_figures(const PretrainingOptions& options,
                                            const ComparisonResults& results) {
  report::Figure figure{"accuracy_by_labels",
                        {by_labels(options, results, false), by_labels(options, results, true)}};
  figure.height = 860;
  return {{figure, fmt::format("Accuracy on the test rows against the number of labels: {}.",
                               interval_words(results))}};
}

}  // namespace layerwise::apps
