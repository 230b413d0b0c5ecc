#include "mnist_pretraining/answer.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <map>
#include <optional>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "layerwise/study/statistics.h"

#include "mnist_pretraining/comparison.h"

namespace layerwise::apps {

namespace {

constexpr size_t repeats_for_an_answer = 20;
constexpr int64_t early = 20;  // the step that "early" means: as many as the document prints

/// `24.9% [20.9, 28.9]`: a mean and its 95% confidence interval.
std::string share(const std::vector<double>& values) {
  const auto mean = mean_interval(values);
  if (mean.count < 2) return fmt::format("{:.1f}%", 100 * mean.mean);
  return fmt::format("{:.1f}% [{:.1f}, {:.1f}]", 100 * mean.mean, 100 * mean.low, 100 * mean.high);
}

/// `+1.2 [+0.8, +1.6]`, in percentage points.
std::string points(const Interval& difference) {
  if (difference.count < 2) return fmt::format("{:+.1f}", 100 * difference.mean);
  return fmt::format("{:+.1f} [{:+.1f}, {:+.1f}]", 100 * difference.mean, 100 * difference.low,
                     100 * difference.high);
}

Interval difference(const std::vector<double>& a, const std::vector<double>& b) {
  return mean_interval(differences(a, b));
}

std::string grouped(int64_t number) {
  const auto digits = fmt::format("{}", number);
  std::string text;
  for (size_t i = 0; i < digits.size(); ++i) {
    if (i > 0 && (digits.size() - i) % 3 == 0) text += ',';
    text += digits[i];
  }
  return text;
}

std::string mean_cell(const std::vector<double>& values) {
  const auto spread = spread_of(values);
  if (spread.count == 0) return "nan";
  return values.size() == 1 ? with_digits(spread.mean, 3)
                            : fmt::format("{:.3f} +- {:.3f}", spread.mean, spread.sd);
}

ClassifierVariant variant_named(const std::string& name) {
  const auto& all = classifier_variants();
  return *std::find_if(all.begin(), all.end(), [&](const auto& v) { return v.name == name; });
}

double mean_of(const std::vector<double>& values) {
  return spread_of(values).mean;
}

/// Answers "Is there a mistake?": compares the document's two lists with what this program prints
/// in their place.
std::string mistake(const ComparisonResults& results) {
  std::vector<std::string> inside;
  std::vector<std::string> outside;
  for (const auto& [variant, accuracies] : published_accuracies()) {
    const auto count = static_cast<int64_t>(accuracies.size());
    if (!results.has(variant) || results.steps() < count) continue;
    const auto ours = results.mean_of_first(variant, count);
    if (finite(ours).size() < 2) continue;
    const auto [ours_mean, low, high, repeats] = prediction_interval(ours);
    const double published = mean_of(accuracies);
    (published >= low && published <= high ? inside : outside)
        .push_back(fmt::format("the {} values printed {} pretraining have a mean of {:.1f}%, this "
                               "program's {}, and one more run of it would lie between {:.1f}% and "
                               "{:.1f}%",
                               count, variant == "none" ? "without" : "with", 100 * published,
                               share(ours), 100 * low, 100 * high));
  }
  if (inside.empty() && outside.empty()) return {};
  std::string text = outside.empty() ? "Is there a mistake? None is visible: "
                     : inside.empty()
                         ? "The document's lists are not reproduced here: "
                         : "One of the document's lists is reproduced here, one is not: ";
  text += fmt::format("{}", fmt::join(inside, "; "));
  if (!inside.empty() && !outside.empty()) text += "; but ";
  return text + fmt::format("{}. (95% ranges.)", fmt::join(outside, "; "));
}

using Row = std::vector<std::string>;

std::optional<Row> at_the_start(const ComparisonResults& r) {
  if (!r.looked_at(0)) return std::nullopt;
  const auto frozen = r.at("frozen", 0, "validation");
  const auto none = r.at("none", 0, "validation");
  const auto ahead = difference(frozen, none);
  const auto number = fmt::format(
      "held out before the first step: {} with, {} without; with - "
      "without {} points",
      share(frozen), share(none), points(ahead));
  const std::string expected = "The pretrained network starts with a lower error.";
  if (ahead.above(0)) return Row{expected, "It does start ahead.", "", number};
  if (ahead.below(0)) return Row{expected, "It starts behind.", "", number};
  return Row{
      expected, "Neither starts significantly ahead.",
      "The head, which turns codes into classes, starts from random weights in both: until it "
      "has learned something, good codes do not help.",
      number};
}

std::optional<Row> as_printed(const ComparisonResults& r, const PretrainingOptions& options) {
  if (!r.looked_at(1)) return std::nullopt;
  const auto flattery = [&](const char* variant) {
    return differences(r.at(variant, 1, "last_batch"), r.at(variant, 1, "validation"));
  };
  const auto none = mean_interval(flattery("none"));
  const auto more = difference(flattery("none"), flattery("frozen"));
  if (!none.above(0) || !more.above(0)) return std::nullopt;
  return Row{
      "The first accuracies printed show where the networks start.",
      "They are measured after the step, on the same batch that the step fitted, and favor the "
      "network that can fit it.",
      fmt::format("Without pretraining a step updates {} parameters, with the frozen encoder {}.",
                  grouped(options.trained_numbers(variant_named("none"))),
                  grouped(options.trained_numbers(variant_named("frozen")))),
      fmt::format(
          "after step 1, on the batch just fitted: {} without, {} with; held out: {} and {}; "
          "the batch is ahead by {} points without, and by {} more than with",
          share(r.at("none", 1, "last_batch")), share(r.at("frozen", 1, "last_batch")),
          share(r.at("none", 1, "validation")), share(r.at("frozen", 1, "validation")),
          points(none), points(more))};
}

std::optional<Row> slower(const ComparisonResults& r) {
  if (!r.looked_at(early)) return std::nullopt;
  const auto frozen = r.at("frozen", early, "validation");
  const auto none = r.at("none", early, "validation");
  const auto behind = difference(frozen, none);
  const std::string expected = "Pretrained weights make learning faster.";
  auto number = fmt::format(
      "held out after step {}: {} with the frozen encoder, {} without; {} "
      "points",
      early, share(frozen), share(none), points(behind));
  if (behind.above(0)) return Row{expected, "They do.", "", number};
  if (!behind.below(0)) return std::nullopt;
  std::string why;
  if (r.has("standardized")) {
    const auto standardized = r.at("standardized", early, "validation");
    const auto gained = difference(standardized, frozen);
    if (gained.above(0)) {
      why =
          "A linear head on these codes needs more steps at this learning rate. With every unit "
          "brought to a mean of 0 and a deviation of 1, the same head on the same frozen encoder "
          "climbs faster.";
      number += fmt::format(
          "; with standardized codes {}, {} points more, and {} points from no pretraining",
          share(standardized), points(gained), points(difference(standardized, none)));
    }
  }
  const auto scale = [&](const char* variant) {
    return fmt::format("{:.2f} and {:.2f}", mean_of(r.train(variant, "code_mean")),
                       mean_of(r.train(variant, "code_deviation")));
  };
  number +=
      fmt::format("; the units' means and deviations: {} (root mean square)", scale("frozen"));
  if (r.has("pca")) {
    const auto centered = difference(r.at("pca", early, "validation"), frozen);
    number += fmt::format(", of principal components {}, which are {} points from frozen",
                          scale("pca"), points(centered));
    if (!why.empty() && !centered.above(0))
      why +=
          " Centering alone gives no significant gain: principal components are centered, and "
          "not significantly faster.";
  }
  return Row{expected, "With the encoder frozen, accuracy climbs more slowly.", why, number};
}

std::optional<Row> not_freezing(const ComparisonResults& r) {
  if (!r.looked_at(early) || !r.has("random-frozen")) return std::nullopt;
  const auto random = r.at("random-frozen", early, "validation");
  const auto ahead = difference(random, r.at("frozen", early, "validation"));
  if (!ahead.above(0)) return std::nullopt;
  const auto later = difference(r.test("random-frozen"), r.test("frozen"));
  auto number = fmt::format(
      "held out after step {}: {} with random weights, {} points more; on the "
      "test rows at the end {} points",
      early, share(random), points(ahead), points(later));
  std::string why;
  if (r.has("standardized") && r.has("random-standardized")) {
    const auto content = difference(r.at("standardized", early, "validation"),
                                    r.at("random-standardized", early, "validation"));
    number += fmt::format("; both standardized, pretrained - random {} points at step {}",
                          points(content), early);
    if (!content.below(0))
      why =
          "The cause is mostly the scale of the codes, not their content: standardized, the codes "
          "of the "
          "pretrained encoder are not significantly behind the random ones.";
  }
  return Row{"That is because the encoder is frozen.",
             "Freezing is not the whole cause: a frozen encoder with random weights climbs faster "
             "at first" +
                 std::string(later.below(0) ? ", and ends behind." : "."),
             why, number};
}

std::optional<Row> in_the_end(const ComparisonResults& r, const PretrainingOptions& options) {
  const auto end = difference(r.test("frozen"), r.test("none"));
  const auto labels = grouped(options.label_counts().front());
  auto number = fmt::format("test rows: {} with the frozen encoder, {} without; {} points",
                            share(r.test("frozen")), share(r.test("none")), points(end));
  std::string happens =
      end.above(0)   ? fmt::format("With {} labels it does: it ends ahead.", labels)
      : end.below(0) ? fmt::format("With {} labels it ends behind.", labels)
                     : fmt::format("With {} labels neither ends significantly ahead.", labels);
  std::vector<std::string> as_good;
  for (const auto& [variant, name] :
       {std::pair("pca", "as many principal components"),
        std::pair("pixels", "the pixels themselves"),
        std::pair("random-frozen", "the codes of a random encoder")}) {
    if (!r.has(variant)) continue;
    const auto gain = difference(r.test("frozen"), r.test(variant));
    number += fmt::format("; frozen - {} {}", variant, points(gain));
    if (!gain.above(0)) as_good.emplace_back(name);
  }
  const auto why =
      as_good.empty()
          ? std::string()
          : fmt::format("A head does not do significantly better on the code than on {}.",
                        fmt::join(as_good, " or on "));
  return Row{"In the end pretraining pays.", happens, why, number};
}

/// Answers "What to change?": the pretrained variants by whether they ended ahead of no
/// pretraining.
std::string what_to_change(const ComparisonResults& r, const PretrainingOptions& options) {
  std::map<std::string, std::vector<std::string>> by_verdict;
  for (const auto& variant : options.chosen_variants()) {
    if (variant.codes != Codes::pretrained) continue;
    const auto end = difference(r.test(variant.name), r.test("none"));
    const auto* verdict = end.above(0) ? "ahead" : end.below(0) ? "behind" : "undecided";
    by_verdict[verdict].push_back(fmt::format("{} {}", variant.name, points(end)));
  }
  std::vector<std::string> parts;
  for (const auto& [verdict, variants] : by_verdict)
    parts.push_back(fmt::format("{}: {}", verdict, fmt::join(variants, ", ")));
  auto text = fmt::format(
      "What to change? On the test rows at the end, points from no pretraining: "
      "{}.",
      fmt::join(parts, "; "));
  if (r.has("standardized")) {
    const auto gained = difference(r.test("standardized"), r.test("frozen"));
    const auto sooner = r.looked_at(early) ? difference(r.at("standardized", early, "validation"),
                                                        r.at("frozen", early, "validation"))
                                           : Interval{};
    if (sooner.above(0))
      text += fmt::format(
          " To learn faster on a frozen encoder, standardize its codes: {} points at "
          "step {}, {} at the end.",
          points(sooner), early, points(gained));
  }
  return text + " With which numbers of labels pretraining pays: --budgets 100,1000,10000.";
}

/// A sentence on how the classifiers were trained.
std::string schedule(const PretrainingOptions& options, bool tuned) {
  if (!tuned) {
    return fmt::format(
        "{} epoch{} of so many steps as the labels have batches, at learning rate {}.",
        options.epochs, options.epochs == 1 ? "" : "s", options.learning_rate);
  }
  return fmt::format(
      "At most {} steps, ended early by as many validation rows as there are labels (at most {}); "
      "every variant and budget has the learning rate of {} that did best on {} repeats apart.",
      grouped(options.steps), grouped(options.encoder.data.validation),
      fmt::join(options.learning_rates, ","), options.tuning_repeats);
}

/// One row for each number of labels, one cell for each variant.
template <typename Cell>
report::Table table_by_labels(const PretrainingOptions& options,
                              const std::vector<ClassifierVariant>& variants, Cell cell) {
  report::Table table{{"labels"}, {}};
  for (const auto& variant : variants) table.columns.push_back(variant.name);
  for (const auto labels : options.label_counts()) {
    std::vector<std::string> row{fmt::format("{}", labels)};
    for (const auto& variant : variants) row.push_back(cell(variant, labels));
    table.rows.push_back(row);
  }
  return table;
}

/// The gain over no pretraining in accuracy on the test rows.
Interval gain_of(const ComparisonResults& results, const ClassifierVariant& variant, int64_t labels,
                 bool tuned) {
  return difference(results.test(name_of(variant, tuned), labels),
                    results.test(name_of(variant_named("none"), tuned), labels));
}

report::Table differences_table(const PretrainingOptions& options, const ComparisonResults& results,
                                bool tuned) {
  auto variants = options.chosen_variants();
  std::erase_if(variants, [](const auto& variant) { return variant.name == "none"; });
  return table_by_labels(options, variants, [&](const auto& variant, int64_t labels) {
    return points(gain_of(results, variant, labels, tuned));
  });
}

/// What a verdict means for pretraining.
const char* worth(Verdict verdict) {
  switch (verdict) {
    case Verdict::better:
      return "pays";
    case Verdict::worse:
      return "costs";
    case Verdict::equivalent:
      return "changes nothing";
    case Verdict::undecided:
      return "is undecided";
  }
  return "";
}

/// Sentences such as "frozen pays at 100, 250; costs at 5000; is undecided at 500."
std::vector<std::string> verdicts(const PretrainingOptions& options,
                                  const ComparisonResults& results, bool tuned) {
  const auto judged = judge(claims_of(results.plan(), options.margin.value), results.results());
  std::vector<std::string> sentences;
  for (const auto& variant : options.chosen_variants()) {
    if (variant.codes != Codes::pretrained) continue;
    std::map<Verdict, std::vector<int64_t>> budgets;
    for (const auto& one : judged) {
      const auto& info = one.claim.score.info;
      if (info.variant == name_of(variant, tuned)) budgets[one.verdict].push_back(info.labels);
    }
    std::vector<std::string> parts;
    for (const auto& [verdict, labels] : budgets)
      parts.push_back(fmt::format("{} at {}", worth(verdict), fmt::join(labels, ", ")));
    sentences.push_back(fmt::format("{} {}.", variant.name, fmt::join(parts, "; ")));
  }
  return sentences;
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

report::Table accuracy_table(const PretrainingOptions& options, const ComparisonResults& results) {
  std::vector<int64_t> steps;
  for (const int64_t step : {int64_t{0}, int64_t{1}, int64_t{5}, early, results.steps()}) {
    if (results.looked_at(step) && (steps.empty() || step > steps.back())) steps.push_back(step);
  }
  report::Table table{{"variant", "trains"}, {}};
  for (const auto step : steps)
    table.columns.push_back(fmt::format("{}step {}", step == 0 ? "held out: " : "", step));
  const bool compares = results.has("none");
  table.columns.emplace_back("test rows");
  if (compares) table.columns.emplace_back("points from none");
  table.columns.emplace_back("");
  for (const auto& variant : options.chosen_variants()) {
    auto trains = grouped(options.trained_numbers(variant));
    if (variant.trained == Trained::head_then_everything) trains += ", then all";
    std::vector<std::string> row{variant.name, trains};
    for (const auto step : steps)
      row.push_back(mean_cell(results.at(variant.name, step, "validation")));
    const auto test = results.test(variant.name);
    row.push_back(mean_cell(test));
    if (compares)
      row.push_back(variant.name == "none" ? "" : points(difference(test, results.test("none"))));
    row.push_back(results.results().note(*results.find(variant.name)));
    table.rows.push_back(row);
  }
  return table;
}

std::string points_and_brackets(size_t repeats) {
  return fmt::format(
      "Points are percentage points. What stands in brackets is the 95% confidence interval of a "
      "mean over {} repeats (Student's t); differences are taken within each repeat, whose "
      "variants have the same labelled rows and batches, and start with the same head if it "
      "stands on codes.",
      repeats);
}

std::vector<std::string> comparison_notes(const PretrainingOptions& options,
                                          const Results& results) {
  std::vector<std::string> notes;
  const auto repeats = results.repeats.size();
  if (repeats == 1) {
    notes.emplace_back(
        "One run is one draw of weights, rows and batches: --repeats 20 shows how much "
        "of this is chance.");
  }
  if (!options.checkpoint.empty()) {
    notes.push_back(
        fmt::format("Every repeat has the same encoder, {}: the intervals leave out how "
                    "encoders vary.",
                    options.checkpoint));
  }
  if (options.quick) {
    const PretrainingOptions whole;
    std::vector<std::string> left_out;
    if (options.has_budgets() && options.steps < whole.steps)
      left_out.push_back(fmt::format("of {} steps those after {}", whole.steps, options.steps));
    if (options.has_budgets() && options.learning_rates != whole.learning_rates)
      left_out.push_back(fmt::format("of the learning rates {} all but {}",
                                     fmt::join(whole.learning_rates, ","),
                                     fmt::join(options.learning_rates, ",")));
    if (options.has_budgets() && options.tuning_repeats < whole.tuning_repeats)
      left_out.push_back(fmt::format("of {} tuning repeats {}", whole.tuning_repeats,
                                     whole.tuning_repeats - options.tuning_repeats));
    if (!options.has_budgets()) left_out.emplace_back("label budgets");
    if (!options.has_budgets() && options.curve_every > 1)
      left_out.push_back(
          fmt::format("looks at held-out accuracy except one every {} steps", options.curve_every));
    if (repeats < repeats_for_an_answer)
      left_out.push_back(fmt::format("of {} repeats {}, and with them small differences",
                                     repeats_for_an_answer, repeats_for_an_answer - repeats));
    notes.push_back(fmt::format("--quick leaves out: {}.", fmt::join(left_out, "; ")));
  }
  return notes;
}

std::vector<report::Section> answer_sections(const PretrainingOptions& options,
                                             const ComparisonResults& results) {
  if (!results.has("none") || !results.has("frozen") || results.repeats() < 2) return {};
  report::Section section{"The question answered", {}};
  section.sentences = true;
  const bool own_encoders = options.checkpoint.empty();
  if (!own_encoders) section.title = "What this encoder says of the question";
  if (results.repeats() < repeats_for_an_answer) {
    section.title = "What these repeats say of the question";
    section.paragraphs.push_back(
        fmt::format("{} repeats are too few for an answer, for which --repeats {} is there. What "
                    "their intervals "
                    "do not support is left out.",
                    results.repeats(), repeats_for_an_answer));
  }
  if (results.results().comparable && own_encoders) {
    if (auto text = mistake(results); !text.empty()) section.paragraphs.push_back(std::move(text));
  }
  section.table.columns = {"expected", "happens", "why", "number"};
  for (auto& row : {at_the_start(results), as_printed(results, options), slower(results),
                    not_freezing(results), in_the_end(results, options)}) {
    if (row) section.table.rows.push_back(*row);
  }
  section.paragraphs.push_back(what_to_change(results, options));
  return {section};
}

report::Table budget_table(const PretrainingOptions& options, const ComparisonResults& results,
                           bool tuned) {
  return table_by_labels(options, options.chosen_variants(),
                         [&](const auto& variant, int64_t labels) {
                           return mean_cell(results.test(name_of(variant, tuned), labels));
                         });
}

std::vector<report::Section> budget_sections(const PretrainingOptions& options,
                                             const ComparisonResults& results,
                                             const TunedRates& rates) {
  std::vector<report::Section> sections;
  const bool compares = results.has("none") && results.repeats() > 1;
  for (const bool tuned : {false, true}) {
    const std::string name = tuned ? "tuned" : "the document's epochs";
    if (tuned) {
      sections.push_back({"Accuracy on the test rows, tuned",
                          {schedule(options, true)},
                          budget_table(options, results, true)});
    }
    if (!compares) continue;
    std::vector<std::string> paragraphs{schedule(options, tuned)};
    const auto sentences = verdicts(options, results, tuned);
    paragraphs.insert(paragraphs.end(), sentences.begin(), sentences.end());
    paragraphs.push_back(fmt::format(
        "Pays, costs: better or worse than no pretraining by a paired t-test at 5%, corrected by "
        "Holm's method over all budgets and variants. Changes nothing: the 95% interval of the "
        "difference lies within {} points. Undecided: neither. The table's intervals are not "
        "corrected.",
        100 * options.margin.value));
    sections.push_back({"Points from no pretraining, " + name, paragraphs,
                        differences_table(options, results, tuned)});
  }
  const auto rate_cell = [&](const auto& variant, int64_t labels) {
    return fmt::format("{}", rates.at({variant.name, labels}));
  };
  sections.push_back({"Learning rates chosen",
                      {},
                      table_by_labels(options, options.chosen_variants(), rate_cell)});
  return sections;
}

}  // namespace layerwise::apps
