#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

namespace layerwise::report {

/// How a series is drawn. Each differs from the others in grey too: by marker, by dash or by
/// lightness.
struct Style {
  enum class Kind { line, line_and_points, points };
  Kind kind = Kind::line;
  std::string color = "#000000";
  int marker =
      7;  ///< gnuplot's point type: 7 disc, 6 circle, 5 square, 4 open square, 9 triangle, 1 plus
  int dash = 1;  ///< gnuplot's dash type: 1 solid, 2 dashed, 3 dotted
  double marker_size = 1.0;
};

struct Series {
  std::string title;  ///< in the legend; none if empty
  std::vector<double> x;
  std::vector<double> y;  ///< NaN leaves a gap
  Style style;
  std::string label = {};        ///< at the right end of the line, instead of a title
  std::vector<double> low = {};  ///< of a band around y; empty for none
  std::vector<double> high = {};
};

/// How values are laid out on an axis. The square root gives the beginning more room, and has a 0.
enum class Scale { linear, logarithmic, square_root };

struct Panel {
  std::string x_label;
  std::string y_label;
  std::vector<Series> series;
  std::string y_format = "%g";  ///< of the tics of y
  bool log_y = false;
  bool whole_x = false;            ///< x holds whole numbers: a tic at each
  bool equal_scale = false;        ///< one unit is as long on either axis
  std::vector<double> boundaries;  ///< thin vertical lines
  std::string top_label;           ///< what `top_tics` count
  std::vector<std::pair<double, std::string>> top_tics;
  std::string title = {};  ///< above the panel
  Scale x_scale = Scale::linear;
  std::vector<double> x_tics = {};  ///< where they are to be; empty for gnuplot's choice
};

struct Figure {
  std::string name;  ///< of the files, without ending
  std::vector<Panel> panels;
  int width = 800;
  int height = 500;
  int columns = 1;  ///< of panels
};

/// Small pictures in rows, each row with a label at its left.
struct Mosaic {
  struct Row {
    std::string label;
    std::vector<std::vector<float>> tiles;  ///< each `width * height` values, row by row
  };
  std::string name;  ///< of the files, without ending
  int64_t width = 0;
  int64_t height = 0;
  std::vector<Row> rows;
  double low = 0;   ///< drawn white; where `both_signs`, blue
  double high = 1;  ///< drawn black; where `both_signs`, red, and what lies in the middle white
  bool both_signs = false;
};

using Drawing = std::variant<Figure, Mosaic>;
const std::string& name_of(const Drawing& drawing);

bool gnuplot_found();

/// Writes NAME.gp, the script that draws a figure or a mosaic.
void write_script(const Drawing& drawing, const std::filesystem::path& folder);

/// Draws it as NAME.png and NAME.svg, and keeps the script, NAME.gp, that draws both again.
///
/// Gnuplot gets a minute. Whatever happens, no unfinished file is left.
/// @param check called every few milliseconds while gnuplot works; what it throws ends gnuplot and
/// is passed on
/// @throws Failure with gnuplot's own words if it cannot
void draw(const Drawing& drawing, const std::filesystem::path& folder,
          const std::function<void()>& check = {});

}  // namespace layerwise::report
