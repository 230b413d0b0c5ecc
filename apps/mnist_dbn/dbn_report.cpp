#include "mnist_dbn/dbn_report.h"

#include <system_error>

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <torch/utils.h>

#include "layerwise/nn/dense.h"
#include "layerwise/study/checkpoints.h"
#include "layerwise/study/figures.h"
#include "layerwise/study/statistics.h"

#include "common/mosaics.h"

namespace layerwise::apps {

namespace {

bool is_rbm(const StageInfo& info) {
  return info.variant.empty();
}

/// `an error of 1.40%`, or `a squared error of 3.01 an image`.
std::string in_words(const DbnOptions& options, double value) {
  return options.purpose == Purpose::classifier
             ? fmt::format("an error of {:.2f}%", 100 * (1 - value))
             : fmt::format("a squared error of {:.2f} an image",
                           value * static_cast<double>(options.units.front()));
}

}  // namespace

std::vector<Score> DbnReport::curve_scores(const StageInfo& info, const FitView& view) const {
  std::vector<Score> scores;
  const auto* loss = is_rbm(info)                        ? "mse"
                     : info.task == Task::classification ? "cross_entropy"
                                                         : "bce";
  if (view.step > 0) scores.push_back({"train", loss, view.loss});
  if (run_.options.data.validation == 0) return scores;
  for (const auto& score : view.engine.evaluate("validation")) {
    if (!is_rbm(info) || score.metric != "pseudo_likelihood") scores.push_back(score);
  }
  return scores;
}

std::string DbnReport::label(const StageInfo& info) const {
  return is_rbm(info) ? fmt::format("RBM {}", info.stage) : "all layers";
}

std::string DbnReport::line(const Outcome& outcome) const {
  auto text = fmt::format("> {}:", label(outcome.info));
  for (const auto& [split, metric, value] : outcome.scores) {
    const int digits = metric == "mse" ? 5 : metric == "accuracy" ? 4 : 3;
    if (split != "train" || metric == "mse" || metric == "accuracy")
      text += fmt::format(" {} {}={}", split, metric, with_digits(value, digits));
  }
  return text;
}

report::Table DbnReport::table(const Plan& plan, const Results& results, const Curves&) const {
  report::Table table{{"", "score", "train", "validation", "test", "published", ""}, {}};
  for (const auto& fit : plan) {
    for (const auto& metric : metrics_of({fit})) {
      const int digits = metric == "mse" ? 5 : 4;
      const auto cell = [&](const char* split) {
        return results.cell_if(fit.info, split, metric, digits);
      };
      std::vector<std::string> published;
      for (const auto& value : run_.condition.published) {
        if (results.comparable && value.info == fit.info && value.metric == metric)
          published.push_back(fmt::format("{} ({})", value.text, value.split));
      }
      table.rows.push_back({label(fit.info), metric, cell("train"), cell("validation"),
                            cell("test"), fmt::format("{}", fmt::join(published, ", ")),
                            results.note(fit.info)});
    }
  }
  return table;
}

std::vector<std::string> DbnReport::lead(const Plan&, const Results& results) const {
  const auto& tuned = run_.options.tuned();
  const auto* metric = run_.options.purpose == Purpose::classifier ? "accuracy" : "mse";
  const auto values = finite(results.values(tuned, "test", metric));
  if (values.empty()) return {};
  auto text = fmt::format("On the test rows the network ends at {}",
                          in_words(run_.options, spread_of(values).mean));
  for (const auto& value : run_.condition.published) {
    if (results.comparable && value.split == "test")
      text +=
          fmt::format("; published is {}", in_words(run_.options, (value.low + value.high) / 2));
  }
  return {text + "."};
}

std::vector<CaptionedFigure> DbnReport::figures(const Plan& plan, const Results& results,
                                                const Curves& curves) const {
  std::vector<report::Panel> panels{
      learning_curves(curves.front(), plan, Task::reconstruction, "mse", "mean squared error")};
  const auto& options = run_.options;
  const bool classifies = options.purpose == Purpose::classifier;
  if (options.data.validation > 0) {
    panels.push_back(learning_curves(curves.front(), plan, Task::reconstruction, "free_energy",
                                     "free energy, validation"));
    panels.back().log_y = false;
  }
  panels.push_back(classifies ? learning_curves(curves.front(), plan, Task::classification,
                                                "cross_entropy", "cross-entropy")
                              : learning_curves(curves.front(), plan, Task::reconstruction, "bce",
                                                "cross-entropy of pixels, all layers"));
  std::vector<CaptionedFigure> figures{
      {report::Figure{"learning_curves", panels, 960, 400 * static_cast<int>(panels.size())},
       fmt::format(
           "Every fit after every epoch (repeat {}). Of RBMs, the training error is that of "
           "each step's chain before the update, the validation error that of means.",
           results.first_repeat)}};
  const auto path = run_.folder / "net.safetensors";
  std::error_code ignored;
  const bool complete =
      results.first_repeat == 0 && results.outcome(0, options.tuned()).trouble == Trouble::none;
  if (!complete || !std::filesystem::exists(path, ignored)) return figures;
  torch::NoGradGuard no_grad;
  RandomState any(0);
  auto rbms = options.network().make(any);
  torch::Tensor weight;
  const auto hint = "remove that file, and resume the run: it trains this network again";
  if (classifies) {
    auto net = options.classifier(rbms);
    load_in_run(*net, path, {}, hint);
    weight = net->blocks().front().ptr()->as<DenseImpl>()->weight.detach();
  } else {
    auto net = rbms->unrolled();
    load_in_run(*net, path, {}, hint);
    weight = net->encoder->ptr(0)->as<DenseImpl>()->weight.detach();
    figures.push_back(
        {reconstructions([&](const auto& image) { return net->forward(image); }, run_.images),
         "The first test image of each class above its reconstruction (repeat 0)."});
  }
  figures.push_back({filters(weight, run_.images),
                     "The weights into the 30 first-layer units with the largest weight norms, "
                     "after fine-tuning (repeat 0): red positive, blue negative, each scaled to "
                     "its largest."});
  return figures;
}

std::vector<std::string> DbnReport::figure_names() const {
  return {"learning_curves", "reconstructions", "filters"};
}

}  // namespace layerwise::apps
