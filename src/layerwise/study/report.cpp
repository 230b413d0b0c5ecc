#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "layerwise/pretraining/code_statistics.h"
#include "layerwise/study/figures.h"
#include "layerwise/study/study.h"

namespace layerwise::study {

namespace {

/// The decimal places of a published value, but at least three.
int decimal_places(const std::string& text) {
  const auto point = text.find('.');
  if (point == std::string::npos) return 3;
  const auto end = text.find_first_not_of("0123456789", point + 1);
  return std::max(3, static_cast<int>(std::min(end, text.size()) - point - 1));
}

}  // namespace

std::vector<Score> Report::curve_scores(const StageInfo&, const FitView& view) const {
  std::vector<Score> all;
  for (const auto& split : splits_) {
    const auto scores = view.engine.evaluate(split);
    all.insert(all.end(), scores.begin(), scores.end());
  }
  return all;
}

std::string Report::label(const StageInfo& info) const {
  return fmt::format("layers {}, {}{}{}", info.layers, name_of(info.task),
                     info.variant.empty() ? "" : ", ", info.variant);
}

std::string Report::line(const Outcome& outcome) const {
  auto line = fmt::format("> layers={}", outcome.info.layers);
  for (const auto& [split, metric, value] : outcome.scores)
    line += fmt::format(", {} {}={}", split, metric, three_digits(value));
  return outcome.info.variant.empty() ? line : line + ", " + outcome.info.variant;
}

report::Table Report::table(const Plan& plan, const Results& results, const Curves&) const {
  report::Table table{{"layers", "fit"}, {}};
  std::vector<std::pair<std::string, std::string>> columns;
  for (const auto& fit : plan) {
    for (const auto& score : fit.scores) {
      if (is_code_metric(score.second)) continue;
      if (std::find(columns.begin(), columns.end(), score) == columns.end())
        columns.push_back(score);
    }
  }
  for (const auto& [split, metric] : columns) table.columns.push_back(split + " " + metric);
  table.columns.emplace_back("troubles");
  for (const auto& fit : plan) {
    const auto& info = fit.info;
    std::vector<std::string> row{fmt::format("{}", info.layers),
                                 info.variant.empty() ? name_of(info.task) : info.variant};
    for (const auto& [split, metric] : columns) row.push_back(results.cell_if(info, split, metric));
    row.push_back(results.note(info));
    table.rows.push_back(row);
  }
  return table;
}

std::string Report::reading(const Results& results) const {
  const auto& heavy_tailed = results.heavy_tailed;
  return fmt::format(
      "Values are mean +- standard deviation{}, over the repeats whose value is finite; the others "
      "are counted in the last column.",
      heavy_tailed.empty()
          ? ""
          : fmt::format(", but of {} median [minimum .. maximum]", fmt::join(heavy_tailed, ", ")));
}

std::vector<std::string> Report::notes(const Plan& plan, const Results& results) const {
  std::vector<std::string> notes;
  for (const auto trouble : {Trouble::diverged, Trouble::collapsed}) {
    const auto count = results.count(plan, trouble);
    if (count == 0) continue;
    notes.push_back(
        results.repeats.size() == 1
            ? fmt::format("This run {}.", name_of(trouble))
            : fmt::format("{} of {} repeats {}.", count, results.repeats.size(), name_of(trouble)));
  }
  return notes;
}

std::vector<SummaryLine> Report::summary(const Plan& plan, const Results& results,
                                         const Comparison& published) const {
  int64_t last = 0;
  for (const auto& value : published.values) {
    if (results.has(value.info)) last = std::max(last, value.info.stage);
  }
  std::vector<SummaryLine> lines;
  const auto add = [&](const StageInfo& info, const std::string& split, const std::string& metric,
                       const std::string& text) {
    lines.push_back({fmt::format("{}: {} {}", label(info), split, metric), text,
                     results.cell(info, split, metric, decimal_places(text))});
  };
  for (const auto& value : published.values) {
    if (value.info.stage == last && results.has(value.info))
      add(value.info, value.split, value.metric, value.text);
  }
  if (!lines.empty()) return lines;
  const auto& fit = plan.back();
  for (const auto& [split, metric] : fit.scores) {
    if (split == "test" && !is_code_metric(metric)) add(fit.info, split, metric, {});
  }
  return lines;
}

std::vector<CaptionedFigure> Report::figures(const Plan& plan, const Results& results,
                                             const Curves& curves) const {
  std::vector<report::Panel> metrics;
  std::vector<report::Panel> learning;
  for (const auto& metric : metrics_of(plan)) {
    if (is_code_metric(metric)) continue;
    const auto first = std::find_if(plan.begin(), plan.end(),
                                    [&](const PlannedFit& fit) { return reports(fit, metric); });
    auto label = metric;
    std::replace(label.begin(), label.end(), '_', ' ');
    metrics.push_back(against_layers(results, {}, plan, metric, label));
    learning.push_back(learning_curves(curves.front(), plan, first->info.task, metric, label));
  }
  const auto height = [](const std::vector<report::Panel>& panels) {
    return 420 * static_cast<int>(panels.size());
  };
  std::vector<CaptionedFigure> figures{
      {report::Figure{"metrics", metrics, 800, height(metrics)},
       "Each metric at the end of every stage against the number of layers."}};
  if (!curves.front().empty()) {
    figures.push_back({report::Figure{"learning_curves", learning, 960, height(learning)},
                       fmt::format("Each metric after every epoch of every stage (repeat {}).",
                                   results.first_repeat)});
  }
  return figures;
}

}  // namespace layerwise::study
