#include "mnist_autoencoder/report.h"

#include <algorithm>
#include <limits>
#include <string_view>

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <torch/utils.h>

#include "layerwise/nn/dense.h"
#include "layerwise/study/figures.h"
#include "layerwise/study/statistics.h"

#include "common/mosaics.h"

namespace layerwise::apps {

namespace {

/// The learning curves of every stage in one panel: the errors of the last batch and of the
/// validation set.
report::Panel error_curves(const Plan& plan, const std::vector<CurvePoint>& curves,
                           const std::string& metric, const std::string& label,
                           const AutoencoderOptions& options) {
  report::Panel panel;
  panel.x_label = "epoch, stage after stage";
  panel.y_label = label;
  panel.log_y = true;
  const Look looks[] = {{"last_batch", report::color::blue, 1, 7, 6},
                        {"validation", report::color::orange, 2, 5, 4}};
  for (const auto& look : looks) {
    const bool batch = look.split == std::string_view("last_batch");
    report::Series series{
        batch ? "last batch of the epoch" : "validation",
        {},
        {},
        {report::Style::Kind::line_and_points, look.color, look.filled, look.dash, 0.7}};
    double begin = 0;
    for (const auto& fit : plan) {
      for (const auto& point : curves) {
        if (point.info != fit.info || point.score.split != look.split ||
            point.score.metric != metric)
          continue;
        series.x.push_back(begin + static_cast<double>(point.epoch));
        series.y.push_back(point.score.value);
      }
      series.x.push_back(begin);
      series.y.push_back(std::numeric_limits<double>::quiet_NaN());  // a gap between stages
      begin += static_cast<double>(fit.epochs);
    }
    panel.series.push_back(series);
  }
  double begin = 0;
  panel.top_label = "stage";
  for (const auto& fit : plan) {
    if (fit.epochs == 0) continue;
    const auto epochs = static_cast<double>(fit.epochs);
    panel.top_tics.emplace_back(begin + epochs / 2, title_of(fit.info, options));
    begin += epochs;
    panel.boundaries.push_back(begin);
  }
  if (!panel.boundaries.empty()) panel.boundaries.pop_back();
  return panel;
}

}  // namespace

std::string title_of(const StageInfo& info, const AutoencoderOptions& options) {
  if (info.variant == "whole") return "whole chain";
  if (info.variant == "fine_tuned") return "fine-tuned";
  return options.joint ? "all layers" : fmt::format("phase {}", info.stage);
}

/// The last batch and the validation set only: evaluating all training rows would take a third of
/// the time of an epoch.
std::vector<Score> AutoencoderReport::curve_scores(const StageInfo&, const FitView& view) const {
  auto scores = view.engine.evaluate_last_batch();
  if (options().data.validation == 0) return scores;
  const auto validation = view.engine.evaluate("validation");
  scores.insert(scores.end(), validation.begin(), validation.end());
  return scores;
}

std::string AutoencoderReport::label(const StageInfo& info) const {
  return title_of(info, options());
}

std::string AutoencoderReport::line(const Outcome& outcome) const {
  if (outcome.info.variant != "whole") return {};
  return fmt::format("Test MSE: {}", with_digits(value_of(outcome.scores, "test", "mse"), 5));
}

/// `0 Train MSE: 0.0192`; a heading before the first epoch of a stage.
std::string AutoencoderReport::epoch_line(const StageInfo& info, const FitView& view,
                                          const std::vector<Score>& scores) const {
  if (view.epoch == 0) {
    if (info.variant == "fine_tuned") return "Fine-tuning all layers";
    return options().joint ? "Training all layers" : fmt::format("Training phase #{}", info.stage);
  }
  auto line =
      fmt::format("{} Train MSE: {:.4f}", view.epoch - 1, value_of(scores, "last_batch", "mse"));
  for (const auto& score : scores) {
    if (score.split != "last_batch") continue;
    if (score.metric == "bce") line += fmt::format("  cross-entropy: {:.4f}", score.value);
    if (score.metric == "sparsity") line += fmt::format("  sparsity loss: {:.4f}", score.value);
  }
  return line;
}

report::Table AutoencoderReport::table(const Plan& plan, const Results& results,
                                       const Curves&) const {
  report::Table table{{"", "score", "last batch", "train", "validation", "test", "published", ""},
                      {}};
  for (const auto& fit : plan) {
    const auto& info = fit.info;
    for (const auto& metric : metrics_of({fit})) {
      const auto cell = [&](const char* split) { return results.cell_if(info, split, metric, 5); };
      std::string published;
      for (const auto& value : run_.condition.published) {
        if (!results.comparable || value.info != info || value.metric != metric) continue;
        const auto split = value.split == "last_batch" ? "last batch" : value.split;
        published = fmt::format("{} ({})", value.text, split);
      }
      table.rows.push_back({title_of(info, options()), metric, cell("last_batch"), cell("train"),
                            cell("validation"), cell("test"), published, results.note(info)});
    }
  }
  return table;
}

std::vector<std::string> AutoencoderReport::notes(const Plan& plan, const Results& results) const {
  std::vector<std::string> notes;
  if (results.count(plan, Trouble::diverged) > 0) {
    notes.emplace_back(
        "The loss became infinite or NaN, and training ended there. Try a smaller "
        "--learning-rate, or milder --noise, --emphasis, --l2 or --sparsity where they were "
        "set.");
  }
  return notes;
}

std::vector<std::string> AutoencoderReport::lead(const Plan&, const Results& results) const {
  if (!results.comparable) return {};
  std::vector<std::string> parts;
  for (const auto& value : run_.condition.published) {
    const auto ours = finite(results.values(value.info, value.split, value.metric));
    if (ours.empty()) continue;
    const double mean = spread_of(ours).mean;
    const double middle = (value.low + value.high) / 2;
    const bool inside = mean >= value.low && mean <= value.high;
    parts.push_back(
        fmt::format("{} {} {}, published {}{}", title_of(value.info, options()), value.metric,
                    with_digits(mean, 5), value.text,
                    inside ? "" : fmt::format(" ({:+.0f}%)", 100 * (mean / middle - 1))));
  }
  if (parts.empty()) return {};
  return {fmt::format("Condition '{}' ({}): {}.", run_.condition.name, run_.condition.what,
                      fmt::join(parts, "; "))};
}

std::vector<CaptionedFigure> AutoencoderReport::figures(const Plan& plan, const Results&,
                                                        const Curves& curves) const {
  if (run_.first.is_empty()) return {};
  const bool bce = options().loss == ReconstructionLoss::bce;
  std::vector<report::Panel> panels{
      error_curves(plan, curves[0], "mse", "mean squared error", options())};
  if (bce)
    panels.push_back(error_curves(plan, curves[0], "bce", "binary cross-entropy", options()));
  auto net = run_.first;
  torch::NoGradGuard no_grad;
  net->eval();
  const auto weight = net->encoder->ptr(0)->as<DenseImpl>()->weight.detach();
  const auto reconstruct = [&](const torch::Tensor& image) {
    return net->forward(image.to(weight.device()));
  };
  return {{report::Figure{"learning_curves", panels, 800, bce ? 800 : 440},
           "Reconstruction error after every epoch of every stage (repeat 0); each phase "
           "reconstructs what it is given, the first the pixels, the others codes."},
          {reconstructions(reconstruct, run_.images),
           "The first test image of each class above what the trained network makes of it "
           "(repeat 0)."},
          {filters(weight, run_.images),
           "The weights into the 30 first-layer units with the largest weight norms (repeat 0): "
           "red positive, blue negative, each scaled to its largest."}};
}
std::vector<std::string> AutoencoderReport::figure_names() const {
  return {"learning_curves", "reconstructions", "filters"};
}

}  // namespace layerwise::apps
