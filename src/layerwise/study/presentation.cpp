#include "layerwise/study/presentation.h"

#include <algorithm>
#include <filesystem>
#include <string>
#include <system_error>
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

constexpr auto how_to_get_gnuplot = "install gnuplot (Debian: apt-get install gnuplot-nox)";

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
    const auto& name = report::name_of(drawing);
    try {
      const auto svg = report::draw(drawing, folder.path(), [] { throw_if_interrupted(); });
      page.figures.push_back({name, svg, caption});
    } catch (const report::Failure& error) {
      page.figures.push_back({name, {}, caption});
      if (!failure) failure = error;
    }
  }
  if (can_draw) return;
  page.without_figures = fmt::format(
      "No plots were drawn, because gnuplot was not found. To draw them beside this page, {}, "
      "then run this in the folder of the page: gnuplot *.gp",
      how_to_get_gnuplot);
  report::print_note(
      fmt::format("error: no plots were drawn, because 'gnuplot' is not in PATH\n"
                  "hint: all results are in {0}; {1}, then: cd {0} && gnuplot *.gp\n",
                  folder.path().string(), how_to_get_gnuplot));
}

/// The files of a run that are there, each with what it holds.
report::Facts files_to_link(const report::RunFolder& folder) {
  report::Facts files{
      {"results.json", "the values of the repeats of every fit, and their statistics"},
      {"run.json", "everything needed to repeat the run"},
      {"metrics.csv", "each value at the end of a stage"},
      {"curves.csv", "values during the stages"},
      {"troubles.csv", "each fit that diverged or collapsed"},
      {"tuning.csv", "the results of each learning rate that was tried"},
      {"rates.csv", "the scores of each learning rate that was tried"}};
  files.erase(std::remove_if(files.begin(), files.end(),
                             [&](const auto& file) {
                               std::error_code ignored;
                               return !std::filesystem::exists(folder.file(file.first), ignored);
                             }),
              files.end());
  return files;
}

/// The numbers of the repeats in which one of these fits had this trouble, as a text.
std::string numbers_of(const Results& results, const std::vector<StageInfo>& fits,
                       Trouble trouble) {
  constexpr size_t most_named = 20;
  std::vector<int64_t> troubled;
  for (size_t repeat = 0; repeat < results.repeats.size(); ++repeat) {
    if (std::any_of(fits.begin(), fits.end(), [&](const StageInfo& info) {
          return results.trouble(repeat, info) == trouble;
        }))
      troubled.push_back(results.first_repeat + static_cast<int64_t>(repeat));
  }
  const auto count = troubled.size();
  troubled.resize(std::min(count, most_named));
  auto text = fmt::format("{}", fmt::join(troubled, ", "));
  if (count > most_named)
    text += fmt::format(" and {} more, all in troubles.csv", count - most_named);
  return text;
}

/// A sentence for each trouble: which repeats had it, of each network if several are compared.
std::vector<std::string> troubled_repeats(const Plan& plan, const Results& results) {
  const auto names = network_names(plan);
  std::vector<std::pair<std::string, std::vector<StageInfo>>> networks;
  for (size_t i = 0; i < plan.size(); ++i) {
    if (networks.empty() || networks.back().first != names[i]) networks.push_back({names[i], {}});
    networks.back().second.push_back(plan[i].info);
  }
  std::vector<std::string> sentences;
  for (const auto trouble : {Trouble::diverged, Trouble::collapsed}) {
    std::vector<std::string> of_networks;
    for (const auto& [name, fits] : networks) {
      const auto numbers = numbers_of(results, fits, trouble);
      if (!numbers.empty())
        of_networks.push_back(name.empty() ? numbers : fmt::format("{}: {}", name, numbers));
    }
    if (!of_networks.empty())
      sentences.push_back(fmt::format("Repeats with a fit that {}: {}.", name_of(trouble),
                                      fmt::join(of_networks, "; ")));
  }
  return sentences;
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
             const report::Origin& origin, const report::RunFolder& folder,
             std::optional<report::Failure>& failure) {
  const auto& shown = *study.report;
  const bool several = results.repeats.size() > 1;
  report::Page page{study.title};
  page.origin = origin;
  page.table = shown.table(study.plan, results, curves);
  if (several) page.reading = {shown.reading(results)};
  const auto judged = several ? judge(study.claims, results) : std::vector<JudgedClaim>();
  page.lead = shown.lead(study.plan, results);
  if (!judged.empty() && results.repeats.size() < fewest_pairs) {
    page.lead.insert(page.lead.begin(),
                     fmt::format("{} repeats are too few to decide anything: a verdict needs {}.",
                                 results.repeats.size(), fewest_pairs));
  }
  if (!study.published.values.empty())
    page.lead.push_back(comparison_note(study.published, results));
  page.warnings = shown.notes(study.plan, results);

  const auto print = [](const std::vector<std::string>& notes) {
    for (const auto& note : notes) report::print_result(report::wrapped(note, 100) + "\n");
  };
  report::print_result("\n");
  print(page.lead);
  report::print_result(fmt::format("{}{}\n", page.lead.empty() ? "" : "\n", page.table.to_text()));
  print(page.reading);
  print(page.warnings);

  if (several) {
    const auto troubled = troubled_repeats(study.plan, results);
    page.warnings.insert(page.warnings.end(), troubled.begin(), troubled.end());
  }
  if (!judged.empty()) {
    const auto verdicts = verdict_section(judged);
    page.judging = verdicts.paragraphs.front();
    print_section(verdicts);
  }
  for (const auto& one : judged)
    page.verdicts.push_back({one.claim.statement, name_of(one.verdict), one.evidence()});
  page.sections = shown.sections(study.plan, results, curves);
  for (const auto& section : page.sections) print_section(section);
  if (several) {
    if (results.comparable && !study.published.values.empty())
      page.sections.push_back(published_section(study, results));
    page.sections.push_back(statistics_section(study, results));
  }
  draw_all(shown.figures(study.plan, results, curves), folder, page, failure);
  page.files = files_to_link(folder);
  report::write_page(page, folder.file("report.html"));
}

}  // namespace layerwise::study
