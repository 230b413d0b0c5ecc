#include "support/answer.h"

#include <algorithm>
#include <cmath>
#include <optional>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "layerwise/report/statistics.h"

#include "support/comparison.h"

namespace layerwise::apps {

namespace {

using report::Interval;
using report::mean_interval;

std::string percent(double share) {
  return fmt::format("{:.1f}%", 100 * share);
}

/// `+1.2 [+0.8, +1.6]`, in percentage points.
std::string points(const Interval& difference) {
  if (difference.count < 2) return fmt::format("{:+.1f}", 100 * difference.mean);
  return fmt::format("{:+.1f} [{:+.1f}, {:+.1f}]", 100 * difference.mean, 100 * difference.low,
                     100 * difference.high);
}

std::string grouped(int64_t number) {
  auto text = fmt::format("{}", number);
  for (auto i = static_cast<int64_t>(text.size()) - 3; i > 0; i -= 3)
    text.insert(static_cast<size_t>(i), ",");
  return text;
}

/// One run's numbers, as the tables and the sentences ask for them: over the repeats, NaN for those
/// that have none.
class Numbers {
 public:
  Numbers(const PretrainingOptions& options, const std::vector<PlannedFit>& plan,
          const Study& study, const Curves& curves)
      : options_(options), plan_(plan), study_(study), curves_(curves) {}

  bool has(const std::string& variant) const { return find(variant).has_value(); }

  std::vector<double> test(const std::string& variant, int64_t labels = 0) const {
    return study_.values(*find(variant, labels), "test", "accuracy");
  }
  /// At a step; `split` is "validation" or "last_batch".
  std::vector<double> at(const std::string& variant, int64_t step, const std::string& split) const {
    std::vector<double> values;
    for (const auto& repeat : curves_) {
      const auto point = std::find_if(repeat.begin(), repeat.end(), [&](const CurvePoint& p) {
        return p.info.variant == variant && p.step == step && p.score.split == split &&
               p.score.metric == "accuracy";
      });
      values.push_back(point == repeat.end() ? NAN : point->score.value);
    }
    return values;
  }
  bool looked_at(int64_t step) const { return step % options_.curve_every == 0 || step == steps(); }
  int64_t steps() const {
    return steps_of(options_.label_counts().front(), options_.training().fit);
  }
  std::optional<StageInfo> find(const std::string& variant, int64_t labels = 0) const {
    for (const auto& fit : plan_) {
      if (fit.info.variant == variant && !is_encoder(fit.info) &&
          (labels == 0 || fit.info.labels == labels))
        return fit.info;
    }
    return std::nullopt;
  }
  size_t repeats() const { return study_.repeats.size(); }

 private:
  const PretrainingOptions& options_;
  const std::vector<PlannedFit>& plan_;
  const Study& study_;
  const Curves& curves_;
};

std::string mean_cell(const std::vector<double>& values) {
  const auto spread = report::spread_of(values);
  if (spread.count == 0) return "nan";
  return values.size() == 1 ? with_digits(spread.mean, 3)
                            : fmt::format("{:.3f} +- {:.3f}", spread.mean, spread.sd);
}

report::Table single_table(const PretrainingOptions& options, const Numbers& numbers,
                           const Study& study) {
  std::vector<int64_t> steps;
  for (const int64_t step : {int64_t{0}, int64_t{1}, int64_t{5}, int64_t{20}, numbers.steps()}) {
    if (numbers.looked_at(step) && step <= numbers.steps()) steps.push_back(step);
  }
  report::Table table{{"variant", "trains"}, {}};
  for (const auto step : steps) {
    table.columns.push_back(step == 0 ? "held out, step 0" : fmt::format("step {}", step));
  }
  const bool compares = numbers.has("none");
  table.columns.emplace_back("test");
  if (compares) table.columns.emplace_back("test - none, points");
  table.columns.emplace_back("");
  for (const auto& variant : options.chosen_variants()) {
    auto trains = grouped(options.trained_numbers(variant));
    if (variant.trained == Trained::head_then_everything) trains += ", then all";
    std::vector<std::string> row{variant.name, trains};
    for (const auto step : steps)
      row.push_back(mean_cell(numbers.at(variant.name, step, "validation")));
    row.push_back(mean_cell(numbers.test(variant.name)));
    if (compares) {
      row.push_back(variant.name == "none"
                        ? ""
                        : points(mean_interval(report::differences(numbers.test(variant.name),
                                                                   numbers.test("none")))));
    }
    row.push_back(study.note(*numbers.find(variant.name)));
    table.rows.push_back(row);
  }
  return table;
}

}  // namespace

const std::vector<PublishedCurve>& published_accuracies() {
  static const std::vector<PublishedCurve> curves{
      {"frozen", {.08, .24, .32, .2,  .32, .26, .32, .5,  .58, .48,
                  .54, .48, .5,  .56, .64, .56, .68, .62, .74, .78}},
      {"none", {.62, .5,  .52, .38, .56, .56, .6, .7,  .72, .86, .86,
                .8,  .82, .84, .88, .9,  .82, .9, .84, .98, .96}}};
  return curves;
}

report::Table table_of(const PretrainingOptions& options, const std::vector<PlannedFit>& plan,
                       const Study& study, const Curves& curves) {
  const Numbers numbers(options, plan, study, curves);
  return single_table(options, numbers, study);
}

std::vector<std::string> notes_on(const PretrainingOptions& options, const RunOptions& run,
                                  const std::vector<PlannedFit>& plan, const Study& study) {
  return {};
}

std::vector<report::Section> answer_sections(const PretrainingOptions& options,
                                             const std::vector<PlannedFit>& plan,
                                             const Study& study, const Curves& curves) {
  return {};
}

std::vector<report::Section> budget_sections(const PretrainingOptions& options,
                                             const std::vector<PlannedFit>& plan,
                                             const Study& study, const TunedRates& rates) {
  return {};
}

std::vector<CaptionedFigure> accuracy_figures(const PretrainingOptions& options,
                                              const std::vector<PlannedFit>& plan,
                                              const Study& study, const Curves& curves) {
  return {};
}
std::vector<CaptionedFigure> budget_figures(const PretrainingOptions& options,
                                            const std::vector<PlannedFit>& plan,
                                            const Study& study) {
  return {};
}

}  // namespace layerwise::apps
