#include "layerwise/study/presentation.h"

#include <algorithm>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "layerwise/report/page.h"
#include "layerwise/report/plot.h"
#include "layerwise/report/print.h"
#include "layerwise/report/statistics.h"
#include "layerwise/study/interrupt.h"

namespace layerwise::study {

namespace {

constexpr size_t repeats_for_a_range = 20;

/// A sentence: how many of the published values lie within the range of the repeats.
std::string agreement(const Results& results, const std::vector<Published>& published) {
  const auto repeats = results.repeats.size();
  if (repeats == 1) {
    return fmt::format(
        "A single run is one random draw, and so is the published one; {} repeats show the "
        "spread.",
        repeats_for_a_range);
  }
  const bool enough = repeats >= repeats_for_a_range;
  const double tail = enough ? 0.025 : 0;
  size_t compared = 0;
  size_t inside = 0;
  for (const auto& value : published) {
    if (!results.has(value.info)) continue;
    const auto values = report::finite(results.values(value.info, value.split, value.metric));
    if (values.empty()) continue;
    ++compared;
    inside += value.high >= report::quantile(values, tail) &&
              value.low <= report::quantile(values, 1 - tail);
  }
  if (enough) {
    return fmt::format("{} of {} published values lie within the middle 95% of the repeats.",
                       inside, compared);
  }
  return fmt::format(
      "{} of {} published values lie between the smallest and the largest of these {} repeats; a "
      "range that should hold 95% of all runs needs {} repeats.",
      inside, compared, repeats, repeats_for_a_range);
}

std::string comparison_note(const Comparison& published, const Results& results) {
  if (published.changed.empty()) return agreement(results, published.values);
  return fmt::format(
      "The published values are not comparable: they belong to {}, and this run has {}.",
      published.settings, fmt::join(published.changed, ", "));
}

/// A sentence: how to read the numbers of several repeats.
std::string reading_note(const Study& study) {
  const auto& heavy_tailed = study.heavy_tailed;
  return fmt::format(
      "In the table, values are mean +- standard "
      "deviation{}, over the repeats whose value is finite; the others are counted in the last "
      "column.",
      heavy_tailed.empty()
          ? ""
          : fmt::format(", but of {} median [minimum .. maximum]", fmt::join(heavy_tailed, ", ")));
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

}  // namespace

void present(const Study& study, const Results& results, const Curves& curves,
                    const std::string& command, const report::RunFolder& folder,
                    std::optional<report::Failure>& failure) {
  const auto& shown = *study.report;
  auto notes = shown.notes(study.plan, results);
  if (!study.published.values.empty()) notes.push_back(comparison_note(study.published, results));
  const auto table = shown.table(study.plan, results, curves);
  report::print_result(fmt::format("\n{}\n", table.to_text()));
  const auto print = [](const std::string& note) {
    report::print_result(report::wrapped(note, 100) + "\n");
  };
  const auto reading = results.repeats.size() > 1 ? reading_note(study) : std::string();
  if (!reading.empty()) 
    print(fmt::format("The lines above the table are those of repeat {}. {}", results.first_repeat,
                      reading));
  std::for_each(notes.begin(), notes.end(), print);
  if (!reading.empty()) notes.insert(notes.begin(), reading);

  report::Page page{study.title, command, notes, table, {}, {}};
  page.sections = shown.sections(study.plan, results, curves);
  for (const auto& section : page.sections) print_section(section);
  draw_all(shown.figures(study.plan, results, curves), folder, page, failure);
  report::write_page(page, folder.file("report.html"));
}

}  // namespace layerwise::study
