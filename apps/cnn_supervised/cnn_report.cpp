#include "cnn_supervised/cnn_report.h"

#include <iterator>
#include <utility>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "layerwise/study/figures.h"

namespace layerwise::apps {

namespace {

constexpr auto ensemble = "ensemble_accuracy";

std::string percent(double share) {
  return fmt::format("{:.2f}%", 100 * share);
}

/// The score of a stage, by the name of its arm.
ScoreOf score_at(const Arm& arm, int64_t depth, const char* split, const char* metric) {
  return {of_variant(arm.name, stage_of(depth)), split, metric};
}

}  // namespace

CnnReport::CnnReport(std::vector<Arm> arms, int64_t depth, const Split& data,
                     std::vector<study::Published> published)
    : Report(names_of(data)),
      arms_(std::move(arms)),
      depth_(depth),
      published_(std::move(published)) {}

std::string CnnReport::label(const StageInfo& info) const {
  return fmt::format("{}, {} block{}", info.variant, info.stage, info.stage == 1 ? "" : "s");
}

std::vector<Score> CnnReport::curve_scores(const StageInfo&, const FitView& view) const {
  if (view.step == 0) return {};
  return {{"train", "cross_entropy", view.loss}};
}

std::string CnnReport::line(const Outcome& outcome) const {
  auto text = fmt::format("> {}:", label(outcome.info));
  for (const auto& score : outcome.scores) {
    if (score.metric == "accuracy")
      text += fmt::format(" {}={}", score.split, percent(score.value));
    if (score.metric == ensemble)
      text += fmt::format(" {} ensemble={}", score.split, percent(score.value));
  }
  return text;
}

report::Table CnnReport::table(const Plan&, const Results& results, const Curves&) const {
  report::Table table{{"blocks"}, {}};
  for (const auto& arm : arms_) table.columns.push_back(arm.name);
  const bool compares = results.comparable && !published_.empty();
  if (compares) table.columns.emplace_back("published");
  for (int64_t depth = 1; depth <= depth_; ++depth) {
    std::vector<std::string> row{fmt::format("{}", depth)};
    for (const auto& arm : arms_)
      row.push_back(mean_text(results, score_at(arm, depth, "test", "accuracy")));
    if (compares) {
      std::vector<std::string> values;
      for (const auto& arm : arms_) {
        const auto info = of_variant(arm.name, stage_of(depth));
        const auto value = study::published_cell(published_, info, "test", "accuracy");
        if (!value.empty()) values.push_back(fmt::format("{} {}", arm.name, value));
      }
      row.push_back(fmt::format("{}", fmt::join(values, ", ")));
    }
    table.rows.push_back(std::move(row));
  }
  return table;
}

std::string CnnReport::reading(const Results&) const {
  return "Test accuracies are means with 95% intervals by Student's t. All arms of a repeat start "
         "from the same random streams, so that differences between them are paired.";
}

std::vector<SummaryLine> CnnReport::summary(const Plan&, const Results& results,
                                            const Comparison& published) const {
  std::vector<SummaryLine> lines;
  for (const auto& arm : arms_) {
    const auto info = of_variant(arm.name, stage_of(depth_));
    lines.push_back({fmt::format("{}, {} blocks: test accuracy", arm.name, depth_),
                     study::published_cell(published.values, info, "test", "accuracy"),
                     mean_text(results, score_at(arm, depth_, "test", "accuracy"))});
  }
  return lines;
}

std::vector<CaptionedFigure> CnnReport::figures(const Plan&, const Results& results,
                                                const Curves&) const {
  static constexpr const char* colors[] = {report::color::blue,   report::color::vermilion,
                                           report::color::green,  report::color::purple,
                                           report::color::orange, report::color::sky_blue};
  std::vector<report::Panel> panels;
  for (const auto* split : {"train", "test"}) {
    report::Panel panel;
    panel.x_label = "blocks";
    panel.y_label = fmt::format("{} accuracy", split);
    panel.whole_x = true;
    panel.y_format = "%.3f";
    for (size_t i = 0; i < arms_.size(); ++i) {
      auto series =
          mean_by_depth(results, arms_[i], "", split, "accuracy",
                        {report::Style::Kind::line_and_points, colors[i % std::size(colors)], 7,
                         static_cast<int>(i % 3) + 1, 0.8});
      for (auto& x : series.x) x -= 1;  // the head
      panel.series.push_back(std::move(series));
    }
    panels.push_back(std::move(panel));
  }
  return {{report::Figure{"depth", panels, 900, 900},
           "Accuracy by the number of blocks, by the way of training: means with their 95% "
           "intervals."}};
}

std::vector<report::Section> CnnReport::sections(const Plan&, const Results& results,
                                                 const Curves&) const {
  report::Section section{
      "The arms, by depth",
      {"The ensemble averages the class probabilities of all heads so far; each weighs twice as "
       "much as the one before it."},
      {{"arm", "blocks"}, {}}};
  std::vector<std::pair<const char*, const char*>> scores;
  for (const auto* split : {"train", "validation", "test"}) {
    if (results.has(of_variant(arms_.front().name, stage_of(1)), split, "accuracy"))
      scores.emplace_back(split, "accuracy");
  }
  scores.emplace_back("test", ensemble);
  for (const auto& [split, metric] : scores)
    section.table.columns.push_back(
        fmt::format("{}{}", split, metric == std::string(ensemble) ? ", ensemble" : ""));
  for (const auto& arm : arms_) {
    section.paragraphs.push_back(fmt::format("{}: {}.", arm.name, arm.description));
    for (int64_t depth = 1; depth <= depth_; ++depth) {
      std::vector<std::string> row{arm.name, fmt::format("{}", depth)};
      for (const auto& [split, metric] : scores)
        row.push_back(mean_text(results, score_at(arm, depth, split, metric)));
      section.table.rows.push_back(std::move(row));
    }
  }
  return {section};
}

}  // namespace layerwise::apps
