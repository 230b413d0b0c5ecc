#include "layerwise/data/generated_images.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdlib>
#include <numbers>
#include <stdexcept>

#include <fmt/format.h>

namespace layerwise {

namespace {

constexpr int image_side = 28;
constexpr int image_pixels = image_side * image_side;

/// @param draw_image draws into a black image and returns its target
template <typename DrawImage>
Dataset draw_images(const char* function, int64_t rows, DrawImage draw_image) {
  if (rows <= 0) throw std::invalid_argument(fmt::format("{}: rows is {}", function, rows));
  auto inputs = torch::zeros({rows, image_pixels}, torch::kFloat32);
  auto targets = torch::zeros({rows}, torch::kInt64);
  auto* image = inputs.data_ptr<float>();
  auto* target = targets.data_ptr<int64_t>();
  for (int64_t i = 0; i < rows; ++i, image += image_pixels) target[i] = draw_image(image);
  return {inputs, targets};
}

/// Uniform among 0, 1, ..., max.
int draw_up_to(int max, RandomState& random) {
  return static_cast<int>(random.interval(static_cast<uint32_t>(max)));
}

int64_t draw_rectangle(float* image, RandomState& random) {
  int height = 0;
  int width = 0;
  do {
    height = 1 + draw_up_to(image_side - 1, random);
    width = 1 + draw_up_to(image_side - 1, random);
  } while (std::abs(height - width) < 3);
  const int top = draw_up_to(image_side - height, random);
  const int left = draw_up_to(image_side - width, random);
  auto* corner = image + top * image_side + left;
  for (int row = 0; row < height; ++row)
    corner[row * image_side] = corner[row * image_side + width - 1] = 1;
  for (int column = 0; column < width; ++column)
    corner[column] = corner[(height - 1) * image_side + column] = 1;
  return height > width ? 1 : 0;
}

/// 1 for each white pixel.
using PixelSet = std::array<uint8_t, image_pixels>;

/// In pixels, from the upper left corner of the image.
struct Position {
  double x = 0;
  double y = 0;
};

Position draw_position(RandomState& random) {
  const double x = random.uniform(0, image_side);
  return {x, random.uniform(0, image_side)};
}

/// Cuts the set down to a random half-plane that contains `inside`. Returns how many pixels remain.
int cut_down(PixelSet& set, Position inside, RandomState& random) {
  const auto line = draw_position(random);
  const double angle = random.uniform(0, 2 * std::numbers::pi);
  double a = std::cos(angle);
  double b = std::sin(angle);
  if (a * (inside.x - line.x) + b * (inside.y - line.y) < 0) {
    a = -a;
    b = -b;
  }
  int pixels = 0;
  for (int row = 0; row < image_side; ++row) {
    for (int column = 0; column < image_side; ++column) {
      const bool kept = a * (column + 0.5 - line.x) + b * (row + 0.5 - line.y) >= 0;
      auto& pixel = set[row * image_side + column];
      pixel = kept ? pixel : 0;
      pixels += pixel;
    }
  }
  return pixels;
}

/// @param p the parameter of the geometric distribution of the number of half-planes
PixelSet draw_convex_set(double p, int min_pixels, RandomState& random) {
  while (true) {
    PixelSet set;
    set.fill(1);
    const auto inside = draw_position(random);
    int pixels = 0;
    do {
      pixels = cut_down(set, inside, random);
    } while (pixels >= min_pixels && random.random_sample() >= p);
    if (pixels >= min_pixels) return set;
  }
}

PixelSet draw_union(RandomState& random) {
  PixelSet all{};
  for (int sets = 2 + draw_up_to(2, random); sets > 0; --sets) {
    const auto set = draw_convex_set(0.07, 10, random);
    for (size_t i = 0; i < all.size(); ++i) all[i] |= set[i];
  }
  return all;
}

/// The first and the last white column of each row.
struct RowEnds {
  std::array<int, image_side> first{};
  std::array<int, image_side> last{};

  explicit RowEnds(const PixelSet& set) {
    first.fill(image_side);
    last.fill(-1);
    for (int row = 0; row < image_side; ++row) {
      for (int column = 0; column < image_side; ++column) {
        if (set[row * image_side + column] == 0) continue;
        first[row] = std::min(first[row], column);
        last[row] = column;
      }
    }
  }
  bool is_black(int row) const { return last[row] < 0; }
};

/// Widens the ends of a row to those of the convex hull. These lie on lines between the ends of a
/// row above and of a row below.
void widen_to_hull(int row, const RowEnds& ends, int& first, int& last) {
  for (int above = 0; above < row; ++above) {
    if (ends.is_black(above)) continue;
    for (int below = row + 1; below < image_side; ++below) {
      if (ends.is_black(below)) continue;
      const int height = below - above;
      const auto times_height = [&](const std::array<int, image_side>& end) {
        return end[above] * (below - row) + end[below] * (row - above);
      };
      first = std::min(first, (times_height(ends.first) + height - 1) / height);
      last = std::max(last, times_height(ends.last) / height);
    }
  }
}

bool is_convex(const PixelSet& set) {
  const RowEnds ends(set);
  for (int row = 0; row < image_side; ++row) {
    int first = ends.first[row];
    int last = ends.last[row];
    widen_to_hull(row, ends, first, last);
    for (int column = first; column <= last; ++column) {
      if (set[row * image_side + column] == 0) return false;
    }
  }
  return true;
}

int64_t draw_convex_or_not(float* image, RandomState& random) {
  const int convex = draw_up_to(1, random);
  PixelSet set;
  if (convex == 1) {
    set = draw_convex_set(0.35, 19, random);
  } else {
    do {
      set = draw_union(random);
    } while (is_convex(set));
  }
  std::copy(set.begin(), set.end(), image);
  return convex;
}

/// The three values at 0, 1 and 2, interpolated by the natural cubic spline.
double spline(const std::array<double, 3>& values, double t) {
  const double end = t < 1 ? values[0] : values[2];
  const double u = t < 1 ? t : 2 - t;
  const double bend = values[0] - 2 * values[1] + values[2];
  return end + (values[1] - end) * u - bend * (u - u * u * u) / 4;
}

/// Ink on pixels. A border of one pixel takes the ink beside the image: a spline leaves the range
/// [2, 26] of its three points by at most 2.31.
class Canvas {
 public:
  void add(double x, double y, double ink) {
    const int column = static_cast<int>(std::floor(x + 0.5));
    const int row = static_cast<int>(std::floor(y + 0.5));
    const double right = x + 0.5 - column;
    const double below = y + 0.5 - row;
    auto* pixel = &ink_[row * side + column];
    pixel[0] += ink * (1 - right) * (1 - below);
    pixel[1] += ink * right * (1 - below);
    pixel[side] += ink * (1 - right) * below;
    pixel[side + 1] += ink * right * below;
  }
  void smooth_into(float* image) const {
    for (int row = 0; row < image_side; ++row) {
      for (int column = 0; column < image_side; ++column) {
        const auto* pixel = &ink_[row * side + column];
        const double sum = across(pixel) + 2 * across(pixel + side) + across(pixel + 2 * side);
        image[row * image_side + column] = static_cast<float>(std::min(1.0, sum / 16));
      }
    }
  }

 private:
  static constexpr int side = image_side + 2;

  static double across(const double* pixel) { return pixel[0] + 2 * pixel[1] + pixel[2]; }

  std::array<double, side * side> ink_{};
};

void ink_curve(const std::array<double, 3>& x, const std::array<double, 3>& y, Canvas& canvas) {
  constexpr int steps = 200;
  for (int i = 0; i < steps; ++i) {
    const double begin = 2.0 * i / steps;
    const double middle = (2.0 * i + 1) / steps;
    const double end = 2.0 * (i + 1) / steps;
    const double dx = spline(x, end) - spline(x, begin);
    const double dy = spline(y, end) - spline(y, begin);
    canvas.add(spline(x, middle), spline(y, middle), 2 * std::sqrt(dx * dx + dy * dy));
  }
}

int64_t draw_curve(float* image, RandomState& random) {
  std::array<double, 3> x;
  std::array<double, 3> y;
  for (auto& value : x) value = random.uniform(2, 22);
  for (auto& value : y) value = random.uniform(2, 26);
  // Sorted and moved apart, they are uniform among those that are 2 apart.
  std::sort(x.begin(), x.end());
  x[1] += 2;
  x[2] += 4;
  Canvas canvas;
  ink_curve(x, y, canvas);
  canvas.smooth_into(image);
  return 0;
}

}  // namespace

Dataset make_rectangles(int64_t rows, RandomState& random) {
  return draw_images("make_rectangles", rows,
                     [&](float* image) { return draw_rectangle(image, random); });
}

Dataset make_convex(int64_t rows, RandomState& random) {
  return draw_images("make_convex", rows,
                     [&](float* image) { return draw_convex_or_not(image, random); });
}

Dataset make_curves(int64_t rows, RandomState& random) {
  return draw_images("make_curves", rows, [&](float* image) { return draw_curve(image, random); });
}

}  // namespace layerwise
