#include "layerwise/study/presentation.h"

#include <algorithm>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "layerwise/report/page.h"
#include "layerwise/report/plot.h"
#include "layerwise/report/print.h"
#include "layerwise/study/claims.h"
#include "layerwise/study/interrupt.h"

namespace layerwise::study {

namespace {

/// A sentence: how the published values and those of this run agree.
std::string comparison_note(const Comparison& published, const Results& results) {
  if (!published.changed.empty()) {
    return fmt::format(
        "The published values are not comparable: they belong to {}, and this run has {}.",
        published.settings, fmt::join(published.changed, ", "));
  }
  if (results.repeats.size() == 1) {
    return "A single run is one random draw, and so is the published one; 20 repeats show the "
           "spread.";
  }
  return agreement(place(published, results), results.repeats.size());
}

/// Draws the figures and adds them to the page; without gnuplot, only writes their scripts. The
/// first failure is returned in `failure`, to be reported at the end.
void draw_all(const std::vector<CaptionedFigure>& figures, const report::RunFolder& folder,
              report::Page& page, std::optional<report::Failure>& failure) {
  const bool can_draw = report::gnuplot_found();
  for (const auto& [drawing, caption] : figures) {
    throw_if_interrupted();
    if (!can_draw) {
      report::write_script(drawing, folder.path());
      continue;
    }
    try {
      report::draw(drawing, folder.path(), [] { throw_if_interrupted(); });
      page.figures.emplace_back(report::name_of(drawing) + ".svg", caption);
    } catch (const report::Failure& error) {
      if (!failure) failure = error;
    }
  }
  if (!can_draw) {
    report::print_note(
        fmt::format("error: no plots were drawn, because 'gnuplot' is not in PATH\n"
                    "hint: all results are in {0}; install gnuplot (Debian: apt-get install "
                    "gnuplot-nox), then: "
                    "cd {0} && gnuplot *.gp\n",
                    folder.path().string()));
  }
}

/// Prints a section. A table whose cells are sentences is printed cell by cell, each after the name
/// of its column.
void print_section(const report::Section& section) {
  report::print_result(
      fmt::format("\n{}\n{}\n", section.title, std::string(section.title.size(), '-')));
  for (const auto& paragraph : section.paragraphs)
    report::print_result(report::wrapped(paragraph, 100) + "\n");
  report::print_result(section.sentences ? section.table.to_records(100) : section.table.to_text());
}

/// The judged claims, a line each.
report::Section verdict_section(const std::vector<JudgedClaim>& judged) {
  report::Section section{
      "Verdicts",
      {"Each is about the mean of the paired differences, with its 95% interval by Student's t: "
       "better or worse than no difference by a paired t-test; equivalent if the interval lies "
       "within the margin; else undecided. The level is 5%, by Holm's method for claims that are "
       "read together. results.json has the p-values."},
      {{"verdict", "difference", "margin", "pairs", "claim"}, {}}};
  for (const auto& one : judged) {
    section.table.rows.push_back(
        {name_of(one.verdict), one.difference(), fmt::format("{}", one.claim.margin),
         fmt::format("{}", one.test.difference.count), one.claim.statement});
  }
  return section;
}

/// The published values among the repeats.
report::Section published_section(const Study& study, const Results& results) {
  return {"Published values among the repeats",
          {"The percentile is that of the published value among the repeats of its kind; values "
           "that print the same count half. A share of repeats has its 95% interval by Wilson."},
          published_table(place(study.published, results))};
}

std::string with_interval(const std::vector<double>& values, int digits) {
  const auto [mean, low, high, count] = mean_interval(values);
  return count < 2 ? with_digits(mean, digits)
                   : fmt::format("{} [{}, {}]", with_digits(mean, digits), with_digits(low, digits),
                                 with_digits(high, digits));
}

/// Every score with its mean, spread and median over the repeats.
report::Section statistics_section(const Study& study, const Results& results) {
  constexpr int digits = 4;
  report::Section section{
      "Statistics over the repeats",
      {"Means, their 95% intervals by Student's t and standard deviations (n - 1) are those of the "
       "finite values, which are counted. Medians and the 2.5% and 97.5% quantiles (interpolated "
       "linearly) are those of all repeats, with those without a finite value ranked worst."},
      {{"layers", "fit", "score", "finite", "mean [95% interval]", "sd", "median", "2.5% .. 97.5%"},
       {}}};
  for (const auto& fit : study.plan) {
    for (const auto& [split, metric] : fit.scores) {
      if (!results.has(fit.info, split, metric)) continue;
      const auto values = results.values(fit.info, split, metric);
      const auto spread = spread_of(values);
      const auto at = [&, name = metric](double p) {
        return with_digits(quantile_with_failures(values, p, higher_is_better(name)), digits);
      };
      section.table.rows.push_back(
          {fit.info.layers > 0 ? fmt::format("{}", fit.info.layers) : std::string(),
           study.report->label(fit.info), fmt::format("{} {}", split, metric),
           fmt::format("{} of {}", spread.count, values.size()),
           spread.count > 0 ? with_interval(values, digits) : std::string("none"),
           with_digits(spread.sd, digits), at(0.5), fmt::format("{} .. {}", at(0.025), at(0.975))});
    }
  }
  return section;
}

}  // namespace

void present(const Study& study, const Results& results, const Curves& curves,
             const std::string& command, const report::RunFolder& folder,
             std::optional<report::Failure>& failure) {
  const auto& shown = *study.report;
  const bool several = results.repeats.size() > 1;
  auto notes = shown.notes(study.plan, results);
  if (!study.published.values.empty()) notes.push_back(comparison_note(study.published, results));
  const auto table = shown.table(study.plan, results, curves);
  report::print_result(fmt::format("\n{}\n", table.to_text()));
  const auto print = [](const std::string& note) {
    report::print_result(report::wrapped(note, 100) + "\n");
  };
  const auto reading = several ? shown.reading(results) : std::string();
  if (!reading.empty()) print(reading);
  std::for_each(notes.begin(), notes.end(), print);
  if (!reading.empty()) notes.insert(notes.begin(), reading);

  report::Page page{study.title, command, notes, table, {}, {}};
  page.sections = shown.sections(study.plan, results, curves);
  if (several) {
    const auto verdicts = verdict_section(judge(study.claims, results));
    if (!verdicts.table.rows.empty()) page.sections.insert(page.sections.begin(), verdicts);
  }
  for (const auto& section : page.sections) print_section(section);
  if (several) {
    if (results.comparable && !study.published.values.empty())
      page.sections.push_back(published_section(study, results));
    page.sections.push_back(statistics_section(study, results));
  }
  draw_all(shown.figures(study.plan, results, curves), folder, page, failure);
  report::write_page(page, folder.file("report.html"));
}

}  // namespace layerwise::study
