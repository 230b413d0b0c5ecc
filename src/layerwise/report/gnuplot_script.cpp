#include "layerwise/report/gnuplot_script.h"

#include <algorithm>
#include <cmath>
#include <iterator>
#include <limits>
#include <optional>
#include <stdexcept>

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace layerwise::report {

namespace {

/// A text in single quotes, between which gnuplot expands nothing: no escapes, no `commands`.
std::string quoted(const std::string& text) {
  std::string result = "'";
  for (const char c : text) {
    if (c == '\'') result += '\'';
    result += static_cast<unsigned char>(c) < ' ' ? ' ' : c;  // a newline would end the command
  }
  return result + "'";
}

std::string number(double value) {
  return std::isfinite(value) ? fmt::format("{:.9g}", value) : "NaN";
}

bool is_area(const Series& series) {
  return series.style.kind == Style::Kind::area;
}

bool has_areas(const Panel& panel) {
  return std::any_of(panel.series.begin(), panel.series.end(), is_area);
}

/// The panel with its areas stacked: each fills the band from `low`, the sum of those below it, to
/// `high`.
Panel with_stacked_areas(Panel panel) {
  const Series* below = nullptr;
  for (auto& series : panel.series) {
    if (!is_area(series)) continue;
    if (below != nullptr && series.x != below->x)
      throw std::invalid_argument(
          fmt::format("the area '{}' has other x values than that below it", series.title));
    series.low = below != nullptr ? below->high : std::vector<double>(series.y.size(), 0.0);
    for (size_t i = 0; i < series.y.size(); ++i) series.y[i] += series.low[i];
    series.high = series.y;
    below = &series;
  }
  return panel;
}

std::string data_row(const Series& series, size_t i, double x) {
  auto row = fmt::format("{} {}", number(x), number(series.y[i]));
  if (!series.low.empty())
    row += fmt::format(" {} {}", number(series.low[i]), number(series.high[i]));
  return row + "\n";
}

/// The rows of a series. An area reaches the ends of an axis of whole numbers, which lie half a
/// unit beyond its values.
std::string data_block(size_t index, const Series& series, bool whole_x) {
  std::string block = fmt::format("$series{} << EOD\n", index);
  const bool widened = whole_x && is_area(series) && !series.x.empty();
  if (widened) block += data_row(series, 0, series.x.front() - 0.5);
  for (size_t i = 0; i < series.x.size(); ++i) block += data_row(series, i, series.x[i]);
  if (widened) block += data_row(series, series.x.size() - 1, series.x.back() + 0.5);
  return block + "EOD\n";
}

std::string drawn_with(const Style& style) {
  const auto points = fmt::format("pointtype {} pointsize {}", style.marker, style.marker_size);
  const auto line = fmt::format("linewidth 1.8 dashtype {}", style.dash);
  const auto color = fmt::format("linecolor rgb {}", quoted(style.color));
  switch (style.kind) {
    case Style::Kind::points:
      return fmt::format("points {} linewidth 1.6 {}", points, color);
    case Style::Kind::line:
      return fmt::format("lines {} {}", line, color);
    case Style::Kind::line_and_points:
      return fmt::format("linespoints {} {} {}", line, points, color);
    case Style::Kind::area:
      return fmt::format(
          "filledcurves fillstyle solid 1 border linecolor rgb '#ffffff' fillcolor rgb {}",
          quoted(style.color));
  }
  return {};
}

/// The tics at given positions, as gnuplot lists them.
std::string listed_tics(const Panel& panel) {
  if (!panel.x_tic_labels.empty() && panel.x_tic_labels.size() != panel.x_tics.size()) {
    throw std::invalid_argument(fmt::format("'{}' has {} tics, and labels for {}", panel.title,
                                            panel.x_tics.size(), panel.x_tic_labels.size()));
  }
  std::vector<std::string> tics;
  for (size_t i = 0; i < panel.x_tics.size(); ++i) {
    const auto at = number(panel.x_tics[i]);
    tics.push_back(panel.x_tic_labels.empty() ? at : quoted(panel.x_tic_labels[i]) + " " + at);
  }
  return fmt::format("set xtics ({})\n", fmt::join(tics, ", "));
}

/// An axis with a tic at each integer (at fewer if they would touch) or at the given ones, and half
/// a unit of space on either side.
std::string whole_number_axis(const Panel& panel) {
  double min = std::numeric_limits<double>::infinity();
  double max = -min;
  for (const auto& series : panel.series) {
    for (const double x : series.x) {
      min = std::min(min, x);
      max = std::max(max, x);
    }
  }
  if (!(min <= max)) return "set xtics autofreq\nset autoscale x\n";
  constexpr double most_tics = 16;
  const auto tics = panel.x_tics.empty()
                        ? fmt::format("set xtics {}\n", std::ceil((max - min + 1) / most_tics))
                        : listed_tics(panel);
  return tics + fmt::format("set xrange [{}:{}]\n", min - 0.5, max + 0.5);
}

bool has_labels(const Panel& panel) {
  return std::any_of(panel.series.begin(), panel.series.end(),
                     [](const Series& series) { return !series.label.empty(); });
}

/// The smallest and the largest y value that a panel shows, including bands; empty if there is
/// none.
std::optional<std::pair<double, double>> extent(const Panel& panel) {
  double min = std::numeric_limits<double>::infinity();
  double max = -min;
  for (const auto& series : panel.series) {
    for (const auto* values : {&series.y, &series.low, &series.high}) {
      for (const double y : *values) {
        if (!std::isfinite(y) || (panel.log_y && y <= 0)) continue;
        min = std::min(min, y);
        max = std::max(max, y);
      }
    }
  }
  if (!(min <= max)) return {};
  return std::pair(min, max);
}

/// The range of the y values that a panel shows, with a margin.
std::pair<double, double> y_range(const Panel& panel) {
  const auto values = extent(panel);
  if (!values) return {0, 1};
  const auto [min, max] = *values;
  const double room = std::max(0.03 * (max - min), 1e-6);
  return {min - room, max + room};
}

/// The largest sum of the areas; 1 if there is no positive one.
double top_of_areas(const Panel& panel) {
  double top = 0;
  for (const auto& series : panel.series) {
    if (is_area(series))
      for (const double y : series.high) top = std::max(top, std::isfinite(y) ? y : 0);
  }
  return top > 0 ? top : 1;
}

struct Label {
  const Series* series;
  double height;  ///< position in the panel: 0 at its bottom, 1 at its top
};

/// Labels at the ends of their lines, moved apart where they would overlap.
std::vector<Label> placed_labels(const Panel& panel, double line_height) {
  const auto [bottom, top] = y_range(panel);
  std::vector<Label> labels;
  for (const auto& series : panel.series) {
    const auto last =
        std::find_if(series.y.rbegin(), series.y.rend(), [](double y) { return std::isfinite(y); });
    if (!series.label.empty() && last != series.y.rend())
      labels.push_back({&series, (*last - bottom) / (top - bottom)});
  }
  std::stable_sort(labels.begin(), labels.end(),
                   [](const Label& a, const Label& b) { return a.height > b.height; });
  // Groups of touching labels share the mean of their places, until none touch.
  std::vector<std::vector<double>> groups;
  const auto top_of = [&](const std::vector<double>& wanted) {
    double sum = 0;
    for (size_t i = 0; i < wanted.size(); ++i)
      sum += wanted[i] + static_cast<double>(i) * line_height;
    const double least = static_cast<double>(wanted.size() - 1) * line_height;
    return std::max(std::min(sum / static_cast<double>(wanted.size()), 1.0), least);
  };
  for (const auto& label : labels) {
    groups.push_back({label.height});
    while (groups.size() > 1) {
      const auto& above = groups[groups.size() - 2];
      const double end = top_of(above) - static_cast<double>(above.size()) * line_height;
      if (end >= top_of(groups.back())) break;
      auto merged = above;
      merged.insert(merged.end(), groups.back().begin(), groups.back().end());
      groups.pop_back();
      groups.back() = merged;
    }
  }
  size_t next = 0;
  for (const auto& group : groups) {
    for (size_t i = 0; i < group.size(); ++i)
      labels[next++].height = top_of(group) - static_cast<double>(i) * line_height;
  }
  return labels;
}

std::string label_commands(const Panel& panel, int panel_height) {
  const double line_height = 17.0 / (0.75 * panel_height);
  const auto [bottom, top] = y_range(panel);
  auto text = fmt::format("set yrange [{}:{}]\nunset offsets\n", number(bottom), number(top));
  for (const auto& [series, height] : placed_labels(panel, line_height)) {
    const auto& [kind, color, marker, dash, size] = series->style;
    // A piece of the line before its name: in grey, dashes tell lines apart.
    text += fmt::format(
        "set arrow from graph 1.015, graph {0:.4f} to graph 1.075, graph {0:.4f} nohead linewidth "
        "1.8 "
        "dashtype {1} linecolor rgb {2}\n"
        "set label {3} at graph 1.09, graph {0:.4f} left\n",
        height, dash, quoted(color), quoted(series->label));
  }
  return text;
}

std::string x_axis(const Panel& panel) {
  std::string text;
  if (panel.x_scale == Scale::logarithmic) text += "set logscale x\n";
  if (panel.x_scale == Scale::square_root) text += "set nonlinear x via sqrt(x) inverse x*x\n";
  if (panel.whole_x) return text + whole_number_axis(panel);
  if (panel.x_tics.empty()) return text + "set xtics autofreq\nset autoscale x\n";
  // On a logarithmic axis gnuplot may round a tic at its very end away.
  const double room = panel.x_scale == Scale::logarithmic ? 1.02 : 1;
  return text + listed_tics(panel) +
         fmt::format("set xrange [{}:{}]\n", number(panel.x_tics.front() / room),
                     number(panel.x_tics.back() * room));
}

/// An axis that ends a little beyond the values, with tics at 1, 2, 5, 10, ..., or closer; over
/// many decades, gnuplot chooses them.
std::string logarithmic_axis(const Panel& panel) {
  const std::string text = "unset offsets\nset logscale y\nset format y '%g'\n";
  constexpr double room = 1.15;
  const auto [least, most] = extent(panel).value_or(std::pair(1.0, 1.0));
  const double bottom = least / room;
  const double top = most * room;
  const auto range = fmt::format("set yrange [{}:{}]\n", number(bottom), number(top));
  if (top > 500 * bottom) return text + range + "set ytics autofreq\n";
  std::vector<std::string> tics;
  for (const auto& digits : {std::vector{1.0, 2.0, 5.0},
                             {1.0, 1.5, 2.0, 3.0, 4.0, 5.0, 7.0},
                             {1.0, 1.1, 1.2, 1.3, 1.4, 1.5, 1.6, 1.8, 2.0, 2.2, 2.5,
                              2.8, 3.2, 3.6, 4.0, 4.5, 5.0, 5.6, 6.3, 7.0, 8.0, 9.0}}) {
    if (tics.size() > 2) break;
    tics.clear();
    for (double decade = std::pow(10, std::floor(std::log10(bottom))); decade <= top; decade *= 10)
      for (const double digit : digits)
        if (digit * decade >= bottom && digit * decade <= top)
          tics.push_back(number(digit * decade));
  }
  return text + range + fmt::format("set ytics ({})\n", fmt::join(tics, ", "));
}

std::string y_axis(const Panel& panel) {
  if (panel.log_y) return logarithmic_axis(panel);
  const auto text =
      fmt::format("set autoscale y\nset ytics autofreq\nunset logscale y\nset format y {}\n",
                  quoted(panel.y_format));
  if (has_areas(panel))
    return text + fmt::format("unset offsets\nset yrange [0:{}]\n", number(top_of_areas(panel)));
  return text + "set offsets 0, 0, graph 0.04, graph 0.04\n";
}

std::string axes(const Panel& panel) {
  std::string text =
      panel.title.empty() ? "unset title\n" : fmt::format("set title {}\n", quoted(panel.title));
  text +=
      fmt::format("set xlabel {}\nset ylabel {}\n", quoted(panel.x_label), quoted(panel.y_label));
  text += y_axis(panel) + x_axis(panel);
  text += panel.equal_scale ? "set size ratio -1\n" : "set size noratio\n";
  text += "unset arrow\nunset x2tics\nunset x2label\n";
  for (const double x : panel.boundaries) {
    text += fmt::format(
        "set arrow from {0}, graph 0 to {0}, graph 1 nohead back linewidth 0.6 linecolor rgb "
        "'#b0b0b0'\n",
        number(x));
  }
  if (!panel.top_tics.empty()) {
    std::vector<std::string> tics;
    constexpr size_t most_labels = 20;
    const size_t every = panel.top_tics.size() / most_labels + 1;
    for (size_t i = 0; i < panel.top_tics.size(); i += every) {
      const auto& [x, label] = panel.top_tics[i];
      tics.push_back(quoted(label) + " " + number(x));
    }
    text += fmt::format("set x2tics ({}) scale 0\nset link x2\nset x2label {}\n",
                        fmt::join(tics, ", "), quoted(panel.top_label));
  }
  return text;
}

/// Whether a series has a value that can be drawn.
bool drawable(const Series& series, bool log_y) {
  return std::any_of(series.y.begin(), series.y.end(),
                     [&](double y) { return std::isfinite(y) && (!log_y || y > 0); });
}

/// The legend, or the names at the ends of the lines.
std::string legend(const Panel& panel, int panel_height) {
  if (has_labels(panel))
    return "set key inside right bottom Left reverse noinvert samplen 1.5\n" +
           label_commands(panel, panel_height);
  if (panel.legend_below)
    return "set key outside below center horizontal Left reverse noinvert samplen 2.5 spacing 1.1 "
           "height 1 maxrows 3\n";
  // The entries of areas stand in the order of the stack, from its top down.
  return fmt::format("set key outside right top Left reverse {} samplen 2.5 spacing 1.2\n",
                     has_areas(panel) ? "invert" : "noinvert");
}

std::string titled(const std::string& title) {
  return title.empty() ? "notitle" : "title " + quoted(title);
}

/// What `plot` draws for a panel, from the back to the front: areas, bands, lines and points.
/// @param first the number of its first series in the figure
std::vector<std::string> curves_of(const Panel& panel, size_t first) {
  std::vector<std::string> areas;
  std::vector<std::string> bands;
  std::vector<std::string> lines;
  for (size_t i = 0; i < panel.series.size(); ++i) {
    const auto& series = panel.series[i];
    if (!drawable(series, panel.log_y)) continue;
    const auto name = fmt::format("$series{}", first + i);
    const auto drawn = drawn_with(series.style) + " " + titled(series.title);
    if (is_area(series)) {
      areas.push_back(name + " using 1:3:4 with " + drawn);
      continue;
    }
    lines.push_back(name + " using 1:2 with " + drawn);
    if (series.low.empty()) continue;
    bands.push_back(
        fmt::format("{} using 1:3:4 with filledcurves fillstyle transparent solid 0.2 "
                    "noborder fillcolor rgb {} {}",
                    name, quoted(series.style.color), titled(series.band_title)));
  }
  areas.insert(areas.end(), bands.begin(), bands.end());
  areas.insert(areas.end(), lines.begin(), lines.end());
  return areas;
}

std::string plot_commands(const Figure& figure) {
  const auto columns = static_cast<size_t>(figure.columns);
  const auto lines = (figure.panels.size() + columns - 1) / columns;
  std::string text = fmt::format("set multiplot layout {}, {}\n", lines, columns);
  size_t first = 0;
  for (const auto& panel : figure.panels) {
    text += axes(panel) + "unset label\n" + legend(panel, figure.height / static_cast<int>(lines));
    const auto curves = curves_of(panel, first);
    first += panel.series.size();
    text += curves.empty() ? "unset logscale y\nset label 1 'no finite value' at graph 0.5, 0.5 "
                             "center\nplot [0:1] [0:1] NaN notitle\n"
                             "unset label 1\n"
                           : fmt::format("plot {}\n", fmt::join(curves, ", \\\n     "));
    // The next panel's axis may be of another kind, which gnuplot takes only where nothing is
    // linked.
    if (panel.x_scale == Scale::square_root) text += "unset nonlinear x\n";
    if (panel.x_scale == Scale::logarithmic) text += "unset logscale x\n";
    if (!panel.top_tics.empty()) text += "unset link x2\n";
  }
  return text + "unset multiplot\nunset output\n";
}

/// The size of a picture of both terminals, in the pixels of the SVG.
struct Size {
  int64_t width;
  int64_t height;
  int font;
};

/// The commands that draw one picture twice, as NAME.png and NAME.svg. Texts are not `enhanced`,
/// which would read `_` and `@` as markup.
std::string both_terminals(const std::string& name, const Size& size,
                           const std::string& png_commands, const std::string& svg_commands) {
  return fmt::format(
      "set terminal pngcairo noenhanced size {},{} font 'DejaVu Sans,{}' fontscale 2 linewidth 2 "
      "pointscale 2 background 'white'\nset output {}\n{}"
      "set terminal svg noenhanced size {},{} font 'DejaVu Sans,{}'\n"
      "set output {}\n{}",
      2 * size.width, 2 * size.height, size.font, quoted(name + ".png"), png_commands, size.width,
      size.height, size.font, quoted(name + ".svg"), svg_commands);
}

std::string beginning(const std::string& name) {
  return fmt::format("# Draws {0}.png and {0}.svg: gnuplot {0}.gp\nset encoding utf8\n", name);
}

std::string script_of(Figure figure) {
  std::string text = beginning(figure.name);
  size_t index = 0;
  size_t longest = 0;
  for (auto& panel : figure.panels) {
    panel = with_stacked_areas(panel);
    for (const auto& series : panel.series) {
      text += data_block(index++, series, panel.whole_x);
      longest = std::max(longest, series.label.size());
    }
  }
  text +=
      "set border linewidth 0.8\nset tics nomirror\n"
      "set grid y linewidth 0.5 linecolor rgb '#cccccc'\nset lmargin 10\n";
  if (longest > 0) text += fmt::format("set rmargin {}\n", longest + 8);
  const auto commands = plot_commands(figure);
  return text + both_terminals(figure.name, {figure.width, figure.height, 12}, commands, commands);
}

constexpr int gap = 2;  // of pixels between tiles

/// The values of a mosaic, line by line from the top, with gaps between the tiles.
std::string mosaic_block(const Mosaic& mosaic, size_t columns) {
  const double paper = mosaic.both_signs ? (mosaic.low + mosaic.high) / 2 : mosaic.low;
  const auto pause = fmt::format("{:.3g} ", paper);
  std::string block = "$mosaic << EOD\n";
  for (const auto& row : mosaic.rows) {
    for (int64_t y = 0; y < mosaic.height + gap; ++y) {
      for (size_t column = 0; column < columns; ++column) {
        for (int64_t x = 0; x < mosaic.width + gap; ++x) {
          const bool inside = y < mosaic.height && x < mosaic.width && column < row.tiles.size();
          block += inside
                       ? fmt::format("{:.3g} ",
                                     row.tiles[column][static_cast<size_t>(y * mosaic.width + x)])
                       : pause;
        }
      }
      block += "\n";
    }
  }
  return block + "EOD\n";
}

std::string script_of(const Mosaic& mosaic) {
  size_t columns = 0;
  size_t longest = 0;
  for (const auto& row : mosaic.rows) {
    columns = std::max(columns, row.tiles.size());
    longest = std::max(longest, row.label.size());
  }
  const auto width = static_cast<int64_t>(columns) * (mosaic.width + gap) - gap;
  const auto height = static_cast<int64_t>(mosaic.rows.size()) * (mosaic.height + gap) - gap;
  std::string text = beginning(mosaic.name) + mosaic_block(mosaic, columns);
  text += mosaic.both_signs ? "set palette defined (0 '#2166ac', 0.5 '#ffffff', 1 '#b2182b')\n"
                            : "set palette defined (0 '#ffffff', 1 '#000000')\n";
  text += fmt::format(
      "set cbrange [{}:{}]\nunset colorbox\nunset key\nunset border\nunset tics\n"
      "set xrange [-0.5:{}]\nset yrange [{}:-0.5]\n",
      number(mosaic.low), number(mosaic.high), static_cast<double>(width) - 0.5,
      static_cast<double>(height) - 0.5);
  for (size_t r = 0; r < mosaic.rows.size(); ++r) {
    const auto top = static_cast<int64_t>(r) * (mosaic.height + gap);
    text += fmt::format("set label {} at {},{} right font ',11'\n", quoted(mosaic.rows[r].label),
                        -2, static_cast<double>(top) + static_cast<double>(mosaic.height) / 2);
    for (size_t c = 0; c < mosaic.rows[r].tiles.size(); ++c) {
      const auto left = static_cast<double>(static_cast<int64_t>(c) * (mosaic.width + gap)) - 0.5;
      text += fmt::format(
          "set object rectangle from {},{} to {},{} front fillstyle empty border linecolor rgb "
          "'#a0a0a0' linewidth 0.5\n",
          left, static_cast<double>(top) - 0.5, left + static_cast<double>(mosaic.width),
          static_cast<double>(top + mosaic.height) - 0.5);
    }
  }
  constexpr int64_t pixel = 2;  // of the terminal, to one of a tile
  const auto margin = static_cast<int64_t>(longest) * 8 + 14;
  const auto terminal_width = width * pixel + margin + 8;
  const auto terminal_height = height * pixel + 16;
  const auto margins = fmt::format(
      "set lmargin at screen {:.6f}\nset rmargin at screen {:.6f}\nset tmargin at screen {:.6f}\n"
      "set bmargin at screen {:.6f}\n",
      static_cast<double>(margin) / static_cast<double>(terminal_width),
      1 - 8.0 / static_cast<double>(terminal_width), 1 - 8.0 / static_cast<double>(terminal_height),
      8.0 / static_cast<double>(terminal_height));
  const auto commands = [&](const char* kind) {
    return fmt::format("{}plot $mosaic matrix with {}\nunset output\n", margins, kind);
  };
  // A PNG may be smoothed where it is not drawn pixel by pixel; an SVG would hold each as a
  // polygon.
  return text + both_terminals(mosaic.name, {terminal_width, terminal_height, 11},
                               commands("image pixels"), commands("image"));
}

}  // namespace

std::string gnuplot_script(const Drawing& drawing) {
  return std::visit([](const auto& d) { return script_of(d); }, drawing);
}

}  // namespace layerwise::report
