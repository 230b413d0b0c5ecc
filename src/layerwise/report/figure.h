#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <variant>
#include <vector>

namespace layerwise::report {

/// Colors that can be told apart with any color vision (Okabe and Ito 2008).
namespace color {
constexpr auto black = "#000000";
constexpr auto orange = "#e69f00";
constexpr auto sky_blue = "#56b4e9";
constexpr auto green = "#009e73";
constexpr auto yellow = "#f0e442";
constexpr auto blue = "#0072b2";
constexpr auto vermilion = "#d55e00";
constexpr auto purple = "#cc79a7";
}  // namespace color

/// How a series is drawn. Series can also be told apart in grayscale: by marker, dash type or
/// lightness.
struct Style {
  enum class Kind {
    line,
    line_and_points,
    points,
    /// A filled region. The areas of a panel are stacked in the order of its series, the first at
    /// the bottom; all have the same x values. Lines and points of the panel lie on top of them.
    area
  };
  Kind kind = Kind::line;
  std::string color = "#000000";
  /// Point type of gnuplot: 7 disc, 6 circle, 5 square, 4 open square, 9 triangle, 1 plus.
  int marker = 7;
  int dash = 1;  ///< dash type of gnuplot: 1 solid, 2 dashed, 3 dotted
  double marker_size = 1.0;
};

struct Series {
  std::string title;  ///< entry in the legend; none if empty
  std::vector<double> x;
  std::vector<double> y;  ///< NaN leaves a gap
  Style style;
  std::string label = {};        ///< text at the right end of the line, instead of a title
  std::vector<double> low = {};  ///< lower bounds of a filled band around y; empty for none
  std::vector<double> high = {};
  std::string band_title = {};  ///< entry of the band in the legend; none if empty
};

/// The scale of an axis. The square root gives small values more room, and can show 0.
enum class Scale { linear, logarithmic, square_root };

struct Panel {
  std::string x_label;
  std::string y_label;
  std::vector<Series> series;
  std::string y_format = "%g";  ///< format of the y tics
  bool log_y = false;
  bool whole_x = false;            ///< x holds integers: one tic at each
  bool equal_scale = false;        ///< one unit has the same length on both axes
  std::vector<double> boundaries;  ///< x values of thin vertical lines
  std::string top_label;           ///< label of the axis above the panel, for `top_tics`
  std::vector<std::pair<double, std::string>> top_tics;
  std::string title = {};     ///< above the panel
  bool legend_below = false;  ///< instead of to the right
  Scale x_scale = Scale::linear;
  std::vector<double> x_tics = {};  ///< positions of the x tics; empty for the choice of gnuplot
  std::vector<std::string> x_tic_labels = {};  ///< as many texts; empty for the positions
};

struct Figure {
  std::string name;  ///< name of the files, without extension
  std::vector<Panel> panels;
  int width = 800;
  int height = 500;
  int columns = 1;  ///< number of panels side by side
};

/// Small pictures in rows, with a label to the left of each row.
struct Mosaic {
  struct Row {
    std::string label;
    std::vector<std::vector<float>> tiles;  ///< each has `width * height` values, row by row
  };
  std::string name;  ///< name of the files, without extension
  int64_t width = 0;
  int64_t height = 0;
  std::vector<Row> rows;
  double low = 0;  ///< drawn white; with `both_signs`, blue
  /// Drawn black; with `both_signs`, red, and the middle between `low` and `high` white.
  double high = 1;
  bool both_signs = false;
};

using Drawing = std::variant<Figure, Mosaic>;
/// The name of its files, without extension.
inline const std::string& name_of(const Drawing& drawing) {
  return std::visit([](const auto& d) -> const std::string& { return d.name; }, drawing);
}

}  // namespace layerwise::report
