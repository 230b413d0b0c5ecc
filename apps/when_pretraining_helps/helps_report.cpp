#include "when_pretraining_helps/helps_report.h"

#include <algorithm>
#include <array>
#include <iterator>
#include <map>
#include <set>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "layerwise/study/claims.h"
#include "layerwise/study/statistics.h"

namespace layerwise::apps {

namespace {

constexpr double pixels = 784;

std::string title_of(const std::string& control) {
  const auto& all = all_controls();
  const auto found =
      std::find_if(all.begin(), all.end(), [&](const Control& one) { return one.name == control; });
  return fmt::format("{}. {}", found->name, found->title);
}

/// The squared error an image, or the percentage of wrong answers.
Interval error_of(const ControlArm& arm, const Results& results, size_t final,
                  const std::string& metric) {
  const auto score = arm.score(final, "test", metric);
  auto values = results.values(score.info, score.split, score.metric);
  for (auto& value : values) value = arm.control == "A" ? pixels * value : 100 * (1 - value);
  return mean_interval(values);
}

/// As the papers print it, in percent.
std::string published_error(const ControlArm& arm, size_t final) {
  const auto accuracy = published_accuracy(arm, final);
  return accuracy.empty() ? accuracy : fmt::format("{:.2f}", 100 * (1 - std::stod(accuracy)));
}

/// The mean with its interval, and over how many repeats, if some have no value.
std::string text_of(const ControlArm& arm, const Results& results, size_t final,
                    const std::string& metric) {
  const auto error = error_of(arm, results, final, metric);
  const auto& [mean, low, high, count] = error;
  if (count == 0) return "none";
  const auto repeats = static_cast<int>(results.repeats.size());
  const auto of = count < repeats ? fmt::format(" ({} of {} repeats)", count, repeats) : "";
  return count < 2 ? fmt::format("{:.2f}{}", mean, of)
                   : fmt::format("{:.2f} [{:.2f}, {:.2f}]{}", mean, low, high, of);
}

/// For how many epochs an arm of A stays on the plateau, and how many repeats leave it.
std::string plateau_of(const ControlArm& arm, const Results& results, size_t final) {
  const auto score = arm.score(final, "train", epochs_on_plateau);
  auto values = results.values(score.info, score.split, score.metric);
  const auto most = static_cast<double>(arm.plan.back().epochs);
  values.erase(std::remove_if(values.begin(), values.end(), [&](double v) { return v > most; }),
               values.end());
  const auto epochs = mean_interval(values);
  const auto repeats = static_cast<int>(results.repeats.size());
  if (epochs.count == 0) return "never left";
  const auto of = epochs.count < repeats
                      ? fmt::format(" ({} of {} repeats leave it)", epochs.count, repeats)
                      : "";
  return epochs.count < 2
             ? fmt::format("{:.0f}{}", epochs.mean, of)
             : fmt::format("{:.1f} [{:.1f}, {:.1f}]{}", epochs.mean, epochs.low, epochs.high, of);
}

/// Four colors: denoising autoencoders have that of autoencoders, and open points.
report::Style style_of(Way way) {
  using Kind = report::Style::Kind;
  switch (way) {
    case Way::none:
      return {Kind::line_and_points, report::color::black, 7, 1, 0.9};
    case Way::autoencoders:
      return {Kind::line_and_points, report::color::orange, 5, 1, 0.9};
    case Way::denoising:
      return {Kind::line_and_points, report::color::orange, 4, 2, 1.1};
    case Way::rbms:
      return {Kind::line_and_points, report::color::blue, 13, 1, 1.1};
    case Way::supervised:
      return {Kind::line_and_points, report::color::green, 9, 1, 0.9};
  }
  return {};
}

bool is_bad(const ControlArm& arm) {
  return arm.start.activation == Activation::sigmoid;
}

constexpr auto bad_column = "bad start (sigmoid)";

/// Columns of A, with room between those of a bad start and those of a good one.
double place_of(const ControlArm& arm) {
  if (!arm.task.empty()) return is_bad(arm) ? 4 : 8;
  const std::map<std::string, double> places{{bad_start().name, 1},
                                             {glorot_start().name, 2},
                                             {sparse_start().name, 3},
                                             {tanh_start().name, 6},
                                             {elu_start().name, 7}};
  return places.at(arm.start.name);
}

/// Columns of E: which task.
const std::map<std::string, double>& task_places() {
  static const std::map<std::string, double> places{
      {"digits", 1}, {"rectangles", 2}, {"convex", 3}};
  return places;
}
double place_of_task(const ControlArm& arm) {
  return task_places().at(arm.task);
}

/// The lower end of an interval of errors, where a logarithmic axis can show it.
double shown_low(const Interval& error, bool log_y) {
  return log_y && error.low <= 0 ? error.mean / 10 : error.low;
}

/// A vertical line over an interval.
report::Series interval_line(double x, const Interval& error, bool log_y,
                             const std::string& color) {
  report::Series line;
  line.style = {report::Style::Kind::line, color, 7, 1, 0.5};
  if (error.count < 2) return line;
  line.x = {x, x};
  line.y = {shown_low(error, log_y), error.high};
  return line;
}

/// A control's arms as points over their intervals: a series for each way, side by side.
/// @param place the column of an arm
void add_points(report::Panel& panel, const std::vector<ControlArm>& arms, const Results& results,
                const std::string& control, double (*place)(const ControlArm&),
                const std::vector<Way>& ways) {
  const double middle = 0.5 * static_cast<double>(ways.size() - 1);
  for (size_t i = 0; i < ways.size(); ++i) {
    const auto way = ways[i];
    report::Series series;
    series.title = in_words(way);
    series.style = style_of(way);
    series.style.kind = report::Style::Kind::points;
    for (const auto& arm : arms) {
      if (arm.control != control || arm.way != way) continue;
      const auto error = error_of(arm, results, 0, arm.metric);
      const double x = place(arm) + 0.12 * (static_cast<double>(i) - middle);
      series.x.push_back(x);
      series.y.push_back(error.mean);
      panel.series.push_back(interval_line(x, error, panel.log_y, series.style.color));
    }
    if (!series.x.empty()) panel.series.push_back(series);
  }
}

/// Adds the error of one of an arm's last fits to a line.
void add_error(report::Series& series, const ControlArm& arm, const Results& results, size_t i,
               bool log_y) {
  const auto error = error_of(arm, results, i, arm.metric);
  series.x.push_back(arm.finals[i].x);
  series.y.push_back(error.mean);
  if (error.count < 2) return;
  series.low.push_back(shown_low(error, log_y));
  series.high.push_back(error.high);
}

report::Panel autoencoder_panel(const std::vector<ControlArm>& arms, const Results& results,
                                const std::vector<Baseline>& baselines) {
  report::Panel panel;
  panel.title = title_of("A");
  panel.y_label = "squared error an image (test)";
  panel.x_label = "first weights of sigmoid units; other units";
  panel.log_y = true;
  panel.legend_below = true;
  panel.top_tics = {{2.5, bad_column}, {7, "good start (tanh, ELU)"}};
  panel.boundaries = {5};
  panel.x_tics = {1, 2, 3, 4, 6, 7, 8};
  panel.x_tic_labels = {"1/sqrt(in)", "Glorot", "sparse", "curves", "tanh", "ELU", "curves, ELU"};
  panel.whole_x = true;
  add_points(panel, arms, results, "A", place_of,
             {Way::none, Way::autoencoders, Way::denoising, Way::rbms});
  using Ends = std::vector<double>;
  for (size_t i = 0; i < baselines.size(); ++i) {
    const auto& [task, what, error, published] = baselines[i];
    report::Series line;
    if (i < 2) line.title = i == 0 ? "a constant output" : "principal components";
    line.style = {report::Style::Kind::line, report::color::black, 7, i % 2 == 0 ? 3 : 4, 0.5};
    for (const auto& ends : task.empty() ? std::array{Ends{0.5, 3.5}, Ends{5.5, 7.5}}
                                         : std::array{Ends{3.6, 4.5}, Ends{7.6, 8.5}}) {
      line.x = ends;
      line.y = {error, error};
      panel.series.push_back(line);
      line.title = "";
    }
  }
  return panel;
}

/// The error of a control's arms against depth or number of labels, from bad starts to the left and
/// from good ones to the right.
report::Panel error_panel(const std::string& control, const std::vector<ControlArm>& all,
                          const Results& results) {
  std::vector<ControlArm> arms;
  std::set<double> values;  // on the x axis
  for (const auto& arm : all) {
    if (arm.control != control) continue;
    arms.push_back(arm);
    for (const auto& last : arm.finals) values.insert(last.x);
  }
  const bool labels = control == "C";
  const bool good = std::any_of(arms.begin(), arms.end(), [](const ControlArm& arm) {
    return !is_bad(arm) && arm.features.empty();
  });
  const bool bad = std::any_of(arms.begin(), arms.end(), is_bad);
  const std::vector<bool> halves = bad && good ? std::vector{false, true} : std::vector<bool>{good};
  const auto width = static_cast<double>(values.size()) + 1;
  const auto begin = [&](bool right) { return right && bad ? width : 0; };

  report::Panel panel;
  panel.title = title_of(control);
  panel.y_label = "test error, %";
  panel.x_label = labels ? "labels" : "hidden layers";
  panel.log_y = true;
  panel.whole_x = true;
  panel.legend_below = true;
  if (bad && good) panel.boundaries = {width};
  const auto* good_column = control == "B" ? "good start (ReLU, tanh)" : "good start (ReLU)";
  for (const bool right : halves) {
    if (bad || good)
      panel.top_tics.emplace_back(begin(right) + 0.5 * width, right ? good_column : bad_column);
    for (const auto value : values) {
      const auto place = static_cast<double>(std::distance(values.begin(), values.find(value))) + 1;
      panel.x_tics.push_back(begin(right) + place);
      panel.x_tic_labels.push_back(fmt::format("{}", value));
    }
  }
  const auto add = [&](const ControlArm& arm, bool right, const report::Style& style,
                       const std::string& title) {
    report::Series series;
    series.style = style;
    for (size_t i = 0; i < arm.finals.size(); ++i) {
      add_error(series, arm, results, i, panel.log_y);
      const auto rank = std::distance(values.begin(), values.find(arm.finals[i].x));
      series.x.back() = begin(right) + static_cast<double>(rank) + 1;
    }
    if (series.low.size() != series.x.size() || style.kind == report::Style::Kind::line)
      series.low = series.high = {};
    const bool again = std::any_of(panel.series.begin(), panel.series.end(),
                                   [&](const auto& other) { return other.title == title; });
    if (!again) series.title = title;
    panel.series.push_back(series);
  };
  constexpr std::array dashes{3, 4, 2};
  size_t softmax = 0;
  for (const auto& arm : arms) {
    auto style = style_of(arm.way);
    if (!arm.features.empty()) {  // these have no start
      style = {report::Style::Kind::line, report::color::black, 7, dashes[softmax], 0.6};
      ++softmax;
      for (const bool right : halves) add(arm, right, style, "softmax on " + arm.features);
    } else if (arm.start.name == tanh_start().name) {
      style.dash = 2;
      style.marker = 6;
      add(arm, true, style, fmt::format("{}, tanh", in_words(arm.way)));
    } else {
      add(arm, !is_bad(arm), style, in_words(arm.way));
    }
  }
  return panel;
}

/// The error of E's arms by task, all layers trained.
report::Panel tasks_panel(const std::vector<ControlArm>& arms, const Results& results) {
  report::Panel panel;
  panel.title = title_of("E") + ": all layers";
  panel.y_label = "test error, %";
  panel.log_y = true;
  panel.whole_x = true;
  add_points(panel, arms, results, "E", place_of_task,
             {Way::none, Way::autoencoders, Way::denoising});
  panel.legend_below = true;
  for (const auto& [task, place] : task_places()) {
    panel.x_tics.push_back(place);
    panel.x_tic_labels.push_back(task);
  }
  return panel;
}

/// The error of a head on E's codes by depth: of denoising autoencoders, and of random layers.
report::Panel codes_panel(const std::vector<ControlArm>& arms, const Results& results) {
  report::Panel panel;
  panel.title = title_of("E") + ": a linear head on frozen codes";
  panel.y_label = "test error, %";
  panel.x_label = "frozen layers";
  panel.legend_below = true;
  panel.log_y = true;
  panel.whole_x = true;
  for (const auto& arm : arms) {
    if (arm.control != "E" || arm.way == Way::autoencoders) continue;
    report::Series series;
    series.title = fmt::format("{}: {}", arm.task, arm.way == Way::none ? "random" : "denoising");
    series.style = style_of(arm.way);
    series.style.dash = static_cast<int>(place_of_task(arm));
    const auto* pixels_of = arm.way == Way::none ? &arm : sibling(arms, arm, Way::none);
    if (pixels_of != nullptr)
      add_error(series, *pixels_of, results, pixels_of->finals.size() - 1, panel.log_y);
    const size_t depths = arm.finals.size() - (arm.way == Way::none ? 2 : 1);
    for (size_t depth = 1; depth <= depths; ++depth)
      add_error(series, arm, results, depth, panel.log_y);
    if (series.low.size() != series.x.size()) series.low = series.high = {};
    panel.series.push_back(series);
  }
  return panel;
}

std::vector<std::string> controls_of(const std::vector<ControlArm>& arms) {
  std::vector<std::string> controls;
  for (const auto& arm : arms) {
    if (controls.empty() || controls.back() != arm.control) controls.push_back(arm.control);
  }
  return controls;
}

/// The last fit that a sentence about an arm is about: the deepest network, the fewest labels, or
/// all layers.
size_t telling_fit(const ControlArm& arm) {
  if (arm.control == "E") return 0;
  const auto by_x = [](const Final& a, const Final& b) { return a.x < b.x; };
  const auto begin = arm.finals.begin();
  const auto found = arm.control == "C" ? std::min_element(begin, arm.finals.end(), by_x)
                                        : std::max_element(begin, arm.finals.end(), by_x);
  return static_cast<size_t>(found - begin);
}

}  // namespace

const ControlArm* HelpsReport::owner_of(const StageInfo& info) const {
  const auto found = std::find_if(arms_.begin(), arms_.end(), [&](const ControlArm& arm) {
    return belongs_to(arm.name, info);
  });
  return found == arms_.end() ? nullptr : &*found;
}

std::vector<Score> HelpsReport::curve_scores(const StageInfo&, const FitView& view) const {
  if (view.step == 0) return {};
  return {{"train", "loss", view.loss}};
}

std::string HelpsReport::label(const StageInfo& info) const {
  const auto* arm = owner_of(info);
  if (arm == nullptr) return info.variant;
  const auto last = std::find_if(arm->finals.begin(), arm->finals.end(), [&](const Final& one) {
    return of_variant(arm->name, one.info) == info;
  });
  if (last == arm->finals.end()) return fmt::format("{}, layer {}", arm->name, info.stage);
  return fmt::format("{}, {}", arm->name, last->where.empty() ? "all layers" : last->where);
}

std::string HelpsReport::line(const Outcome& outcome) const {
  std::string text;
  for (const auto& [split, metric, value] : outcome.scores) {
    if (split != "test" || (metric != "accuracy" && metric != "mse")) continue;
    text = metric == "mse" ? fmt::format("{:.2f} squared error an image", pixels * value)
                           : fmt::format("{:.2f}% test error", 100 * (1 - value));
  }
  return text.empty() ? text : fmt::format("> {}: {}", label(outcome.info), text);
}

report::Table HelpsReport::table(const Plan&, const Results& results, const Curves&) const {
  const bool autoencoders = std::any_of(arms_.begin(), arms_.end(),
                                        [](const ControlArm& arm) { return arm.control == "A"; });
  report::Table table{{"arm", "", "squared error or % wrong, test"}, {}};
  if (autoencoders) {
    table.columns.emplace_back("after as many multiplications");
    table.columns.emplace_back("on the plateau, epochs");
  }
  table.columns.emplace_back("published");
  table.columns.emplace_back("troubles");
  for (const auto& [task, what, error, published] : baselines_) {
    table.rows.push_back(
        {fmt::format("A: {}", what), task, fmt::format("{:.2f}", error), "", "", published, ""});
  }
  for (const auto& arm : arms_) {
    for (size_t i = 0; i < arm.finals.size(); ++i) {
      std::vector<std::string> row{arm.name, arm.finals[i].where,
                                   text_of(arm, results, i, arm.metric)};
      if (autoencoders) {
        const bool timed = arm.control == "A" && arm.way == Way::none;
        row.push_back(timed ? text_of(arm, results, i, equal_time) : "");
        row.push_back(arm.control == "A" ? plateau_of(arm, results, i) : "");
      }
      row.push_back(results.comparable ? published_error(arm, i) : "");
      row.push_back(results.note(of_variant(arm.name, arm.finals[i].info)));
      table.rows.push_back(row);
    }
  }
  return table;
}

std::string HelpsReport::reading(const Results&) const {
  const auto controls = controls_of(arms_);
  const auto has = [&](const char* any) {
    return std::any_of(controls.begin(), controls.end(), [&](const std::string& control) {
      return std::string_view(any).find(control) != std::string_view::npos;
    });
  };
  std::string text =
      "Means over the repeats with 95% intervals by Student's t. All arms of a repeat start from "
      "the same random streams.";
  if (has("A"))
    text += fmt::format(
        " Of A, the squared error an image, {} times the mean squared error of the verdicts. An "
        "arm without pretraining takes at least as many steps as those with it, on the same rows; "
        "its error after as many multiplications is shown beside. A network is on the plateau "
        "until its loss is a twentieth below that of a constant output.",
        pixels);
  if (has("BCDE"))
    text +=
        " Of classifiers, the percentage of wrong answers; verdicts are about "
        "accuracies, as fractions.";
  if (has("BDE"))
    text +=
        " Of B, D and E, an arm without pretraining takes at least as many steps as those with "
        "it, on the same rows, and at least as many multiplications.";
  if (has("C"))
    text +=
        " Of C, all arms take as many steps with labels, and the pretrained ones others without "
        "before; as many further labels validate.";
  if (has("E"))
    text +=
        " Of E, the head on frozen codes is softmax regression on standardized codes, where the "
        "paper has a linear SVM; rectangles and convex sets are generated here, convex sets not "
        "by the published rules: compare their order alone. A sixth of the rectangles that test "
        "are among those that train.";
  return text;
}

std::vector<std::string> HelpsReport::lead(const Plan&, const Results& results) const {
  std::vector<std::string> sentences;
  for (const auto& control : controls_of(arms_)) {
    for (const auto& arm : arms_) {
      if (arm.control != control || arm.way == Way::none) continue;
      const auto* without = without_pretraining(arms_, arm);
      if (without == nullptr) continue;
      const auto telling = telling_fit(arm);
      const auto where = arm.finals[telling].where;
      sentences.push_back(fmt::format(
          "{}{}{}{}{}, {}: {} is {} with pretraining ({}), {} without.", title_of(control),
          arm.task.empty() ? "" : ", ", arm.task, where.empty() ? "" : ", ", where, arm.start.what,
          control == "A" ? "the squared error an image" : "the test error in percent",
          text_of(arm, results, telling, arm.metric), in_words(arm.way),
          text_of(*without, results, telling, arm.metric)));
    }
  }
  return sentences;
}

std::vector<SummaryLine> HelpsReport::summary(const Plan&, const Results& results,
                                              const Comparison&) const {
  std::vector<SummaryLine> lines;
  for (const auto& arm : arms_) {
    const auto telling = telling_fit(arm);
    const auto& where = arm.finals[telling].where;
    lines.push_back({fmt::format("{}{}{}: {}", arm.name, where.empty() ? "" : ", ", where,
                                 arm.control == "A" ? "squared error an image" : "% wrong"),
                     {},
                     text_of(arm, results, telling, arm.metric)});
  }
  return lines;
}

std::vector<CaptionedFigure> HelpsReport::figures(const Plan&, const Results& results,
                                                  const Curves&) const {
  std::vector<report::Panel> panels;
  for (const auto& control : controls_of(arms_)) {
    if (control == "A") {
      panels.push_back(autoencoder_panel(arms_, results, baselines_));
    } else if (control == "E") {
      panels.push_back(tasks_panel(arms_, results));
      panels.push_back(codes_panel(arms_, results));
    } else {
      panels.push_back(error_panel(control, arms_, results));
    }
  }
  const int columns = panels.size() > 1 ? 2 : 1;
  const int rows = (static_cast<int>(panels.size()) + columns - 1) / columns;
  return {
      {report::Figure{"controls", panels, 760 * columns, 520 * rows, columns},
       "Where layer-wise pretraining helps; means with 95% intervals. To the left networks from "
       "a bad start, sigmoid units; to the right those from a good one, other units and "
       "weights scaled to the layer: of A tanh and ELU, of B, C and D ReLU, of B also tanh. "
       "E starts badly. In E dashes tell the tasks apart."}};
}

std::vector<report::Section> HelpsReport::sections(const Plan&, const Results&,
                                                   const Curves&) const {
  report::Section section{
      "The arms",
      {"The learning rate of all layers is the candidate with the best mean score "
       "on the validation rows, over an arm's last fits, of separate repeats "
       "that run a third of the epochs, at least one of each fit (rates.csv). One that is the "
       "smallest or "
       "largest candidate may not be the best there is. Rates of pretraining "
       "are fixed."},
      {{"arm", "what", "trained for", "multiplications", "learning rate", "of"}, {}}};
  for (const auto& arm : arms_) {
    const auto rate = rates_.find(arm.name);
    section.table.rows.push_back({arm.name, arm.what, arm.count,
                                  fmt::format("{:.2g}e12", arm.work() / 1e12),
                                  rate == rates_.end() ? "" : fmt::format("{}", rate->second),
                                  fmt::format("{}", fmt::join(arm.rates, ", "))});
  }
  return {section};
}

}  // namespace layerwise::apps
