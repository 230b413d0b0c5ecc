#include "mnist_pretraining/report.h"

#include <fmt/format.h>

#include "layerwise/train/evaluate.h"

#include "mnist_pretraining/answer.h"
#include "mnist_pretraining/answer_figures.h"
#include "mnist_pretraining/comparison.h"

namespace layerwise::apps {

std::vector<Score> ComparisonReport::curve_scores(const StageInfo& info,
                                                  const FitView& view) const {
  if (is_encoder(info) || options().has_budgets()) return {};
  auto scores = view.engine.evaluate_last_batch();
  if (view.step % options().curve_every != 0 && view.step != view.steps) return scores;
  const auto held_out = view.engine.evaluate("validation");
  scores.insert(scores.end(), held_out.begin(), held_out.end());
  return scores;
}

/// The line that the document's script prints after a step, for its two variants.
std::string ComparisonReport::epoch_line(const StageInfo& info, const FitView& view,
                                         const std::vector<Score>& scores) const {
  if (options().printed == Printed::table || is_encoder(info) || options().has_budgets()) return {};
  if (info.variant != "none" && info.variant != "frozen") return {};
  if (view.step == 0) return info.variant == "none" ? "Without pretraining" : "With pretraining";
  const int64_t an_epoch = view.steps / view.epochs;
  const auto epoch = (view.step - 1) / an_epoch;
  const auto accuracy = value_of(scores, "last_batch", "accuracy");
  auto line = fmt::format("{} Train accuracy after each mini-batch: {:.3g}", epoch, accuracy);
  if (view.step % an_epoch == 0)
    line += fmt::format("\n{} Train accuracy after all batched: {:.3g}", epoch, accuracy);
  return line;
}

std::string ComparisonReport::line(const Outcome& outcome) const {
  const auto& variant = outcome.info.variant;
  if (options().has_budgets() || (variant != "none" && variant != "frozen")) return {};
  return fmt::format("Test accuracy ({} pretraining): {}", variant == "none" ? "without" : "with",
                     with_digits(value_of(outcome.scores, "test", "accuracy"), 4));
}

std::string ComparisonReport::label(const StageInfo& info) const {
  if (info.variant == "whole") return "encoder";
  if (is_encoder(info)) return fmt::format("encoder, phase {}", info.stage);
  return options().has_budgets() ? fmt::format("{} labels, {}", info.labels, info.variant)
                                 : info.variant;
}

report::Table ComparisonReport::table(const Plan& plan, const Results& results,
                                      const Curves& curves) const {
  const ComparisonResults compared(options(), plan, results, curves);
  return options().has_budgets() ? budget_table(options(), compared, false)
                                 : accuracy_table(options(), compared);
}

std::string ComparisonReport::reading(const Results& results) const {
  return Report::reading(results) + " " + points_and_brackets(results.repeats.size());
}

std::vector<std::string> ComparisonReport::lead(const Plan&, const Results& results) const {
  return comparison_notes(options(), results);
}

std::vector<report::Section> ComparisonReport::sections(const Plan& plan, const Results& results,
                                                        const Curves& curves) const {
  const ComparisonResults compared(options(), plan, results, curves);
  return options().has_budgets() ? budget_sections(options(), compared, run_.rates)
                                 : answer_sections(options(), compared);
}

std::vector<CaptionedFigure> ComparisonReport::figures(const Plan& plan, const Results& results,
                                                       const Curves& curves) const {
  const ComparisonResults compared(options(), plan, results, curves);
  return options().has_budgets() ? budget_figures(options(), compared)
                                 : accuracy_figures(options(), compared);
}

std::vector<std::string> ComparisonReport::figure_names() const {
  return {"held_out_accuracy", "accuracy_by_labels"};
}

}  // namespace layerwise::apps
