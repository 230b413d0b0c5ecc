#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cmath>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <limits>
#include <stdexcept>
#include <string>
#include <thread>

#include <fmt/format.h>

#include "layerwise/engines/processor.h"
#include "layerwise/report/failure.h"
#include "layerwise/report/gnuplot_script.h"
#include "layerwise/report/helper_process.h"
#include "layerwise/report/inline_svg.h"
#include "layerwise/report/page.h"
#include "layerwise/report/plot.h"
#include "layerwise/report/progress.h"
#include "layerwise/report/run_folder.h"
#include "layerwise/report/table.h"

#include "processes.h"
#include "testing.h"

namespace layerwise::report {
namespace {

using testing::content_of;
using testing::TemporaryFolder;

constexpr double nan_value = std::numeric_limits<double>::quiet_NaN();

TEST_CASE("A table's columns stand under each other") {
  const Table table{{"layers", "train", ""}, {{"2", "0.816", "note"}, {"12", "0.85", ""}}};
  REQUIRE(table.to_text() == "layers  train\n     2  0.816  note\n    12   0.85\n");
  REQUIRE(testing::contains(table.to_html(),
                            "<td class=\"number\">0.816</td><td class=\"short\">note</td>"));
  REQUIRE(html_escaped("a<b & \"c\"") == "a&lt;b &amp; &quot;c&quot;");
}

TEST_CASE(
    "On a page, numbers are aligned to the right, and a column without anything is left out") {
  const Table table{{"fit", "train", "note", ""},
                    {{"2 layers", "0.8 +- 0.1", "12 of 20", ""}, {"", "-0.25", "a note", ""}}};
  const auto html = table.to_html();
  REQUIRE(testing::contains(html, "<th scope=\"col\" class=\"number\">train</th>"));
  REQUIRE(testing::contains(
      html, "<td class=\"number\">0.8 \u00b1 0.1</td><td class=\"short\">12 of 20</td></tr>"));
  REQUIRE(testing::contains(html, "<td class=\"short\"></td><td class=\"number\">-0.25</td>"));
}

TEST_CASE("Long cells are printed under their column's name, and are cards on a page") {
  const Table table{{"why", "number"}, {{"one two three", "4"}}};
  REQUIRE(table.to_records(15) == "\nwhy     one two\n        three\nnumber  4\n");
  const TemporaryFolder folder;
  Page page{"title"};
  page.sections = {{"A <part>", {"words"}, table, /*sentences=*/true}, {"Numbers", {}, table}};
  write_page(page, folder.file("page.html"));
  const auto html = content_of(folder.file("page.html"));
  REQUIRE(testing::contains(html,
                            "<h2>A &lt;part&gt;</h2>\n<p>words</p>\n<dl class=\"card\">\n"
                            "<dt>why</dt>\n<dd>one two three</dd>\n"));
  REQUIRE(testing::contains(html, "aria-label=\"Table: Numbers\">\n<table>"));
}

TEST_CASE("Paragraphs are broken at spaces") {
  REQUIRE(wrapped("one two three", 7) == "one two\nthree");
  REQUIRE(wrapped("unbreakable", 3) == "unbreakable");
  REQUIRE(wrapped("", 10).empty());
}

TEST_CASE("A file is written whole or not at all") {
  const TemporaryFolder folder;
  write_run_file(folder.file("a.txt"), "one");
  write_run_file(folder.file("a.txt"), "two");
  REQUIRE(content_of(folder.file("a.txt")) == "two");
  REQUIRE_FALSE(std::filesystem::exists(folder.file("a.txt.part")));
  REQUIRE_THROWS_AS(write_run_file(folder.file("missing/a.txt"), "x"), Failure);
}

TEST_CASE("Rows are added to a file that holds whole rows only") {
  const TemporaryFolder folder;
  RowFile rows(folder.file("rows.csv"), "a,b\n");
  REQUIRE(content_of(folder.file("rows.csv")) == "a,b\n");
  rows.append("1,2\n3,4\n");
  REQUIRE(content_of(folder.file("rows.csv")) == "a,b\n1,2\n3,4\n");
}

const std::vector<std::string> run_files{"run.json", "metrics.csv"};

TEST_CASE("A folder with files of a run in it is left alone, unless forced") {
  const TemporaryFolder folder;
  const auto path = folder.path() / "deep" / "run";
  { const RunFolder first(path, run_files, RunFolder::Use::begin); }
  { const RunFolder nothing_in_it_yet(path, run_files, RunFolder::Use::begin); }
  write_run_file(path / "metrics.csv", "1");
  write_run_file(path / "mine.csv", "keep");
  REQUIRE_THROWS_AS(RunFolder(path, run_files, RunFolder::Use::begin), Failure);
  REQUIRE(content_of(path / "metrics.csv") == "1");
  const RunFolder forced(path, run_files, RunFolder::Use::replace);
  REQUIRE_FALSE(std::filesystem::exists(path / "metrics.csv"));
  REQUIRE(content_of(path / "mine.csv") == "keep");
}

TEST_CASE("Two programs do not write to one folder at once") {
  const TemporaryFolder folder;
  {
    const RunFolder first(folder.path(), run_files, RunFolder::Use::replace);
    REQUIRE_THROWS_AS(RunFolder(folder.path(), run_files, RunFolder::Use::replace), Failure);
  }
  const RunFolder afterwards(folder.path(), run_files, RunFolder::Use::replace);
}

TEST_CASE("A run folder that cannot be is a failure that names it") {
  const TemporaryFolder folder;
  write_run_file(folder.file("file"), "x");
  for (const auto* name : {"file", "file/below"}) {
    try {
      RunFolder(folder.path() / name, run_files, RunFolder::Use::begin);
      FAIL("nothing was thrown");
    } catch (const Failure& failure) {
      REQUIRE(std::string(failure.what()).find(name) != std::string::npos);
      REQUIRE_FALSE(failure.hint().empty());
    }
  }
}

TEST_CASE("A link is followed, and what is no regular file stays what it is") {
  const TemporaryFolder folder;
  write_run_file(folder.file("target"), "old");
  std::filesystem::create_symlink(folder.file("target"), folder.file("link"));
  write_run_file(folder.file("link"), "new");
  REQUIRE(std::filesystem::is_symlink(folder.file("link")));
  REQUIRE(content_of(folder.file("target")) == "new");
  write_run_file("/dev/null", "anything");
  REQUIRE(std::filesystem::is_character_file("/dev/null"));
  REQUIRE_THROWS_AS(write_run_file("/dev/full", "anything"), Failure);
}

TEST_CASE("Durations read well") {
  REQUIRE(duration_text(45.2) == "45 s");
  REQUIRE(duration_text(200) == "3 min 20 s");
  REQUIRE(duration_text(7500) == "2 h 05 min");
  REQUIRE(duration_text(59.7) == "1 min 00 s");
}

TEST_CASE("The time left of a resumed run is estimated from its own work") {
  std::FILE* stream = std::tmpfile();
  REQUIRE(stream != nullptr);
  Progress progress(Progress::Style::lines, 1000, stream);
  progress.begin(980);
  progress.stage_done("nothing");
  std::this_thread::sleep_for(std::chrono::milliseconds(700));
  progress.advance("half", 10);
  progress.stage_done("half");
  std::rewind(stream);
  std::string text(100, '\0');
  text.resize(std::fread(text.data(), 1, text.size(), stream));
  std::fclose(stream);
  INFO(text);
  CHECK(text.rfind("nothing, time left unknown\nhalf, ", 0) == 0);
  CHECK_FALSE(testing::contains(text, "min"));  // 0.7 s; by all work it would be 69 s
}

Figure small_figure() {
  Panel panel{"layers", "a \"quoted\" label", {}, "%g", false, true, false, {2.5},
              "above",  {{2, "two"}}};
  panel.series.push_back({"train", {1, 2, 3}, {0.1, nan_value, 0.3}, {}});
  panel.series.push_back(
      {"points", {1, 2, 3}, {0.2, 0.2, 0.2}, {Style::Kind::points, "#e07b00", 5, 1, 1}});
  auto logarithmic = panel;
  logarithmic.log_y = true;
  logarithmic.series[1].y = {0, 0, 0};
  auto empty = panel;
  for (auto& series : empty.series) series.y = {nan_value, nan_value, nan_value};
  return {"figure", {panel, logarithmic, empty}, 400, 900};
}

TEST_CASE("A figure is drawn with gaps, zeros on logarithmic axes, and nothing finite",
          "[gnuplot]") {
  if (!gnuplot_found()) {
    WARN("skipped: no gnuplot");
    return;
  }
  const TemporaryFolder folder;
  const auto svg = draw(small_figure(), folder.path());
  REQUIRE(content_of(folder.file("figure.png")).substr(1, 3) == "PNG");
  REQUIRE(testing::contains(svg, "</svg>"));
  REQUIRE_FALSE(std::filesystem::exists(folder.file("figure.svg")));
  REQUIRE(std::filesystem::exists(folder.file("figure.gp")));
  REQUIRE_FALSE(std::filesystem::exists(folder.path() / ".drawing.part"));
}

/// A shell that runs a script in a folder.
Helper shell(const TemporaryFolder& folder, const std::string& script) {
  return {"/bin/sh", {"-c", script}, folder.path(), folder.file("log"), "do something about it"};
}

/// Ignores what it can, and starts a process of its own; both write down their numbers.
constexpr auto stubborn =
    "trap '' HUP INT QUIT TERM; sleep 60 & echo $! >sleeper; echo $$ >leader; wait";

void require_gone(const TemporaryFolder& folder) {
  for (const auto* name : {"leader", "sleeper"}) {
    INFO(name);
    const auto process = testing::process_in(folder.file(name));
    REQUIRE(process > 0);
    REQUIRE(testing::soon([&] { return !testing::is_alive(process); }));
  }
}

TEST_CASE("A helper works in its folder, with a log, no input, and the default signal actions") {
  const TemporaryFolder folder;
  struct sigaction before {};
  struct sigaction ignored {};
  ignored.sa_handler = SIG_IGN;
  sigaction(SIGPIPE, &ignored, &before);
  const int status = run_helper(
      shell(folder, "pwd; echo words >&2; cat; grep -E '^Sig(Ign|Blk)' /proc/self/status; exit 3"));
  sigaction(SIGPIPE, &before, nullptr);
  REQUIRE(status == 3);
  REQUIRE(content_of(folder.file("log")) ==
          fmt::format("{}\nwords\nSigBlk:\t{:016}\nSigIgn:\t{:016}\n",
                      std::filesystem::canonical(folder.path()).string(), 0, 0));
  REQUIRE(run_helper(shell(folder, "kill -TERM $$")) == 128 + SIGTERM);
}

TEST_CASE("A helper that does not end is killed at its time limit, with its group") {
  const TemporaryFolder folder;
  auto helper = shell(folder, stubborn);
  helper.time_limit = std::chrono::milliseconds(500);
  try {
    run_helper(helper);
    FAIL("nothing was thrown");
  } catch (const Failure& failure) {
    REQUIRE(failure.what() == std::string("'/bin/sh' did not end within 0.5 s"));
    REQUIRE(failure.hint() == "do something about it");
  }
  require_gone(folder);
}

TEST_CASE("A helper is killed when the check throws, with its group") {
  const TemporaryFolder folder;
  const auto check = [&] {
    if (content_of(folder.file("leader")).find('\n') != std::string::npos)
      throw std::domain_error("enough");
  };
  REQUIRE_THROWS_AS(run_helper(shell(folder, stubborn), check), std::domain_error);
  require_gone(folder);
}

TEST_CASE("A helper that ends leaves none of its group behind") {
  const TemporaryFolder folder;
  REQUIRE(run_helper(shell(folder, "sleep 60 & echo $! >sleeper; echo $$ >leader")) == 0);
  require_gone(folder);
}

TEST_CASE("A helper dies with the program") {
  const TemporaryFolder folder;
  const pid_t program = ::fork();
  if (program == 0) {
    run_helper(shell(folder, "trap '' HUP INT QUIT TERM; echo $$ >leader; exec sleep 60"));
    ::_exit(0);
  }
  const auto helper = testing::process_in(folder.file("leader"));
  ::kill(program, SIGKILL);
  ::waitpid(program, nullptr, 0);
  REQUIRE(helper > 0);
  REQUIRE(testing::soon([&] { return !testing::is_alive(helper); }));
}

TEST_CASE("A helper that cannot start is a failure that names it") {
  const TemporaryFolder folder;
  auto helper = shell(folder, "true");
  helper.program = folder.file("missing");
  try {
    run_helper(helper);
    FAIL("nothing was thrown");
  } catch (const Failure& failure) {
    REQUIRE(failure.what() ==
            "cannot start '" + folder.file("missing") + "': No such file or directory");
    REQUIRE(failure.hint() == "do something about it");
  }
}

TEST_CASE("A drawing that is interrupted leaves no unfinished files", "[gnuplot]") {
  if (!gnuplot_found()) {
    WARN("skipped: no gnuplot");
    return;
  }
  const TemporaryFolder folder;
  const auto interrupt = [] { throw std::domain_error("enough"); };
  REQUIRE_THROWS_AS(draw(small_figure(), folder.path(), interrupt), std::domain_error);
  REQUIRE_FALSE(std::filesystem::exists(folder.path() / ".drawing.part"));
  REQUIRE_FALSE(std::filesystem::exists(folder.file("figure.png")));
}

TEST_CASE("Labels stand at the ends of their lines, in their order, and do not touch") {
  const TemporaryFolder folder;
  Panel panel;
  panel.x_scale = Scale::square_root;
  panel.x_tics = {0, 1, 4};
  for (const auto& [name, end] : {std::pair("low", 0.1), std::pair("high", 0.9),
                                  std::pair("near", 0.899), std::pair("nearer", 0.8995)}) {
    Series series{"", {0, 1, 4}, {0, 0.5, end}, {}};
    series.label = name;
    series.low = {0, 0.4, end - 0.01};
    series.high = {0, 0.6, end + 0.01};
    panel.series.push_back(series);
  }
  write_script(Figure{"labelled", {panel}}, folder.path());
  const auto script = content_of(folder.file("labelled.gp"));
  std::vector<double> heights;
  for (const auto* name : {"high", "nearer", "near", "low"}) {
    const auto place = script.find(std::string("set label '") + name + "' at graph 1.09, graph ");
    REQUIRE(place != std::string::npos);
    heights.push_back(
        std::stod(script.substr(script.find("graph ", place + 25 + std::string(name).size()) + 6)));
  }
  for (size_t i = 1; i < heights.size(); ++i) REQUIRE(heights[i] < heights[i - 1] - 0.03);
  REQUIRE(std::abs(heights[3] - 0.13) < 0.05);  // where its line ends
  REQUIRE(testing::contains(script, "using 1:3:4 with filledcurves"));
  REQUIRE(testing::contains(script, "set nonlinear x via sqrt(x)"));
}

TEST_CASE("What gnuplot cannot draw is a failure in its own words", "[gnuplot]") {
  if (!gnuplot_found()) {
    WARN("skipped: no gnuplot");
    return;
  }
  const TemporaryFolder folder;
  auto figure = small_figure();
  figure.panels[0].series[0].style.color = "no such color";
  REQUIRE_THROWS_AS(draw(figure, folder.path()), Failure);
  REQUIRE_FALSE(std::filesystem::exists(folder.file("figure.png")));
}

/// The shares of three groups at 2 and 3 layers, whose first lies at the bottom.
Panel shares() {
  Panel panel;
  panel.whole_x = true;
  const auto add = [&](const char* title, std::vector<double> y, const char* of_color) {
    panel.series.push_back({title, {2, 3}, std::move(y), {Style::Kind::area, of_color}});
  };
  add("alive", {0.7, 0.25}, color::sky_blue);
  add("dead", {0.1, 0.5}, color::vermilion);
  add("diverged", {0.2, 0.25}, color::black);
  return panel;
}

TEST_CASE("Areas are stacked in the order of their series, over the whole panel") {
  auto panel = shares();
  panel.series.push_back({"a line", {2, 3}, {0.5, 0.5}, {}});
  const auto script = gnuplot_script(Figure{"shares", {panel}});
  // x, y, and the bounds of the region; half a unit beyond the first and the last layer.
  REQUIRE(testing::contains(script,
                            "$series1 << EOD\n1.5 0.8 0.7 0.8\n2 0.8 0.7 0.8\n"
                            "3 0.75 0.25 0.75\n3.5 0.75 0.25 0.75\nEOD\n"));
  REQUIRE(testing::contains(script, "$series2 << EOD\n1.5 1 0.8 1\n"));
  REQUIRE(testing::contains(script, "set yrange [0:1]"));
  REQUIRE(testing::contains(script, "set xrange [1.5:3.5]"));
  const auto area = script.find("$series2 using 1:3:4 with filledcurves fillstyle solid 1");
  REQUIRE(area != std::string::npos);
  REQUIRE(script.find("$series3 using 1:2 with lines") > area);  // in front of the areas
  panel.series[1].x = {2, 4};
  REQUIRE_THROWS_AS(gnuplot_script(Figure{"shares", {panel}}), std::invalid_argument);
}

TEST_CASE("Tics stand where they are wanted, with their own texts") {
  auto panel = shares();
  panel.x_tics = {2, 3};
  panel.x_tic_labels = {"two", "it's"};
  const auto script = gnuplot_script(Figure{"tics", {panel}});
  REQUIRE(testing::contains(script, "set xtics ('two' 2, 'it''s' 3)\nset xrange [1.5:3.5]"));
  panel.x_tic_labels.pop_back();
  REQUIRE_THROWS_AS(gnuplot_script(Figure{"tics", {panel}}), std::invalid_argument);
}

TEST_CASE("A logarithmic axis ends at its values, and has numbers however close they are") {
  const auto axis = [](double low, double high) {
    Panel panel;
    panel.log_y = true;
    panel.series.push_back({"one", {1, 2}, {low, high}, {}});
    return gnuplot_script(Figure{"axis", {panel}});
  };
  REQUIRE(testing::contains(axis(2.7, 4.2), "set yrange [2.34782609:4.83]\nset ytics (3, 4)") ==
          false);  // at least three
  REQUIRE(testing::contains(axis(2.7, 4.2), "set ytics (2.5, 2.8, 3.2, 3.6, 4, 4.5)"));
  REQUIRE(testing::contains(axis(3, 30), "set ytics (5, 10, 20)"));
  REQUIRE(testing::contains(axis(1, 1000), "set ytics autofreq"));
  REQUIRE(testing::contains(axis(1, 1), "set ytics (0.9, 1, 1.1)"));
  const FlushDenormals as_programs_do;
  REQUIRE(testing::contains(axis(0, 1), "set yrange [0.869565217:1.15]"));
}

TEST_CASE("A band is filled behind the lines, and may have a title of its own") {
  Panel panel;
  panel.series.push_back({"median", {1, 2}, {0.5, 0.6}, {}, "", {0.4, 0.5}, {0.6, nan_value}});
  panel.series.back().band_title = "middle 95%";
  const auto script = gnuplot_script(Figure{"band", {panel}});
  const auto band = script.find("$series0 using 1:3:4 with filledcurves");
  REQUIRE(band != std::string::npos);
  REQUIRE(script.find("title 'middle 95%'") > band);
  REQUIRE(script.find("$series0 using 1:2 with lines") > script.find("title 'middle 95%'"));
}

/// Markup of gnuplot and of HTML, commands, and the ends of strings and lines.
constexpr auto hostile =
    "a_b^c @{x} & <script>alert(1)</script> \"q\" 'r' `touch made` $(x) \\n\nset output";

TEST_CASE("Texts are drawn as they are, whatever they contain", "[gnuplot]") {
  if (!gnuplot_found()) {
    WARN("skipped: no gnuplot");
    return;
  }
  const TemporaryFolder folder;
  auto panel = shares();
  panel.title = hostile;
  panel.x_label = hostile;
  panel.y_label = hostile;
  panel.series[0].title = hostile;
  panel.top_label = hostile;
  panel.top_tics = {{2, hostile}};
  const auto svg = draw(Figure{"figure", {panel}}, folder.path());
  REQUIRE(testing::contains(svg, "a_b^c @{x} &amp; &lt;script>alert(1)"));
  REQUIRE(testing::contains(svg, "'r' `touch made` $(x) \\n set output"));
  REQUIRE_FALSE(testing::contains(svg, "<script"));
  Series labelled{"", {1, 2}, {0, 1}, {}};
  labelled.label = hostile;
  Panel with_label;
  with_label.series = {labelled};
  REQUIRE_FALSE(
      testing::contains(draw(Figure{"labelled", {with_label}}, folder.path()), "<script"));
  const Mosaic mosaic{"mosaic", 2, 1, {{hostile, {{0, 1}, {1, 0}}}}};
  REQUIRE_FALSE(testing::contains(draw(mosaic, folder.path()), "<script"));
}

TEST_CASE("A page escapes what it is given") {
  const TemporaryFolder folder;
  Page page{hostile};
  page.verdicts = {{hostile, hostile, hostile}};
  page.lead = {hostile};
  page.figures = {{"f", "<?xml?>\n<svg width=\"1\"><g id='x'/></svg>\n", hostile},
                  {hostile, "", hostile}};
  page.without_figures = hostile;
  page.table = {{hostile, "b"}, {{hostile, "c"}}};
  page.reading = {hostile};
  page.sections = {{hostile, {hostile}, page.table, true}, {hostile, {hostile}, page.table}};
  page.warnings = {hostile};
  page.origin = {hostile, {{hostile, hostile}}};
  page.files = {{hostile, hostile}};
  write_page(page, folder.file("p.html"));
  const IndexEntry entry{hostile, hostile, hostile, {{hostile, hostile, hostile}}, page.verdicts};
  write_index(hostile, {entry}, folder.file("i.html"));
  for (const auto* name : {"p.html", "i.html"}) {
    const auto html = content_of(folder.file(name));
    REQUIRE(
        testing::contains(html, "a_b^c @{x} &amp; &lt;script&gt;alert(1)&lt;/script&gt; &quot;q"));
    REQUIRE_FALSE(testing::contains(html, "<script"));
    REQUIRE_FALSE(testing::contains(html, "\"q\""));
  }
}

TEST_CASE("A page shows its parts in their order, and leaves out what it does not have") {
  const TemporaryFolder folder;
  Page page{"title"};
  write_page(page, folder.file("empty.html"));
  REQUIRE_FALSE(testing::contains(content_of(folder.file("empty.html")), "<h2>"));
  page.verdicts = {{"Deeper is better", "undecided", "+0.1 [-0.1, +0.3]"}};
  page.lead = {"A sentence."};
  page.figures = {{"f", "<svg></svg>", "A caption."}, {"not_drawn", "", "Another."}};
  page.table = {{"a"}, {{"1"}}};
  page.sections = {{"More numbers", {"words"}}, {"An answer", {"words"}, {}, true}};
  page.warnings = {"A warning."};
  page.origin = {"run --seed 7", {{"seed", "7"}}};
  page.files = {{"metrics.csv", "values"}};
  write_page(page, folder.file("page.html"));
  const auto html = content_of(folder.file("page.html"));
  size_t at = 0;
  for (const auto* expected :
       {"A sentence.", "<h2>Verdicts", "undecided</p>", "Deeper is better", "<h2>An answer",
        "<h2>Plots", "<svg role=", "Figure 1. A caption. <a href=\"f.png\">PNG</a>", "not_drawn.gp",
        "<h2>Results", "<table>", "<h2>More numbers", "A warning.", "run --seed 7", "<dt>seed</dt>",
        "<a href=\"metrics.csv\">"}) {
    INFO(expected);
    at = html.find(expected, at);
    REQUIRE(at != std::string::npos);
  }
}

TEST_CASE("Many verdicts are counted before they are listed") {
  const TemporaryFolder folder;
  Page page{"title"};
  for (int i = 0; i < 9; ++i)
    page.verdicts.push_back({"a claim", i % 3 == 0 ? "worse" : "undecided", "numbers"});
  write_page(page, folder.file("page.html"));
  REQUIRE(testing::contains(content_of(folder.file("page.html")),
                            "<h2>Verdicts</h2>\n<p>3 worse, 6 undecided.</p>\n"));
  REQUIRE(verdict_counts({}).empty());
}

TEST_CASE("Drawings in one page have ids of their own, and the names of what they show") {
  const std::string document =
      "<?xml version=\"1.0\"?>\n<svg \n width=\"8\">\n<title>Gnuplot</title>\n<desc>x</desc>\n"
      "<defs><path id='gpPt0' d='M0 0'/></defs><g id=\"plot_1\" fill='url(#fill)'>"
      "<use xlink:href='#gpPt0'/><text>an id='gpPt0'</text></g></svg>\n";
  REQUIRE(inline_svg(document, "f1-", "a < b") ==
          "<svg role=\"img\" aria-label=\"a &lt; b\" \n width=\"8\">\n\n\n"
          "<defs><path id='f1-gpPt0' d='M0 0'/></defs><g id=\"f1-plot_1\" fill='url(#f1-fill)'>"
          "<use xlink:href='#f1-gpPt0'/><text>an id='gpPt0'</text></g></svg>\n");
  REQUIRE_THROWS_AS(inline_svg("no drawing", "f1-", "x"), std::invalid_argument);
}

TEST_CASE("An index leads to the page of every run, with its values and verdicts") {
  const TemporaryFolder folder;
  write_index("All runs",
              {{"First",
                "a b/report.html",
                "blobs, seed 1",
                {{"test accuracy", "0.83", "0.82"}},
                {{"It grows", "equivalent", "+0.00"}}},
               {"Second", "second/report.html", "blobs, seed 2"}},
              folder.file("index.html"));
  const auto html = content_of(folder.file("index.html"));
  REQUIRE(testing::contains(html,
                            "<h2><a href=\"a%20b/report.html\">First</a></h2>\n"
                            "<p>blobs, seed 1</p>\n<ul class=\"verdicts\">\n"
                            "<li class=\"equivalent\">"));
  REQUIRE(testing::contains(html,
                            "<td class=\"short\">test accuracy</td><td class=\"number\">0.83</td>"
                            "<td class=\"number\">0.82</td>"));
  REQUIRE(testing::contains(html,
                            "<a href=\"second/report.html\">Second</a></h2>\n"
                            "<p>blobs, seed 2</p>\n</section>"));
}

}  // namespace
}  // namespace layerwise::report
