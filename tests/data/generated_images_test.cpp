#include "layerwise/data/generated_images.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <stdexcept>
#include <vector>

#include "testing.h"

namespace layerwise {
namespace {

using Maker = Dataset (*)(int64_t, RandomState&);

constexpr Maker makers[] = {make_rectangles, make_convex, make_curves};

Dataset made(Maker make, int64_t rows, uint32_t seed) {
  RandomState random(seed);
  return make(rows, random);
}

bool equal_data(const Dataset& a, const Dataset& b) {
  return torch::equal(a.inputs, b.inputs) && torch::equal(a.targets, b.targets);
}

Dataset first_rows(const Dataset& data, int64_t rows) {
  return {data.inputs.slice(0, 0, rows), data.targets.slice(0, 0, rows)};
}

struct Pixel {
  int64_t row = 0;
  int64_t column = 0;
};

/// The pixels of an image that have this value.
std::vector<Pixel> pixels_of(const torch::Tensor& image, float value) {
  std::vector<Pixel> pixels;
  for (int64_t i = 0; i < image.numel(); ++i) {
    if (image.data_ptr<float>()[i] == value) pixels.push_back({i / 28, i % 28});
  }
  return pixels;
}

/// Whether all points lie on one side of a line through `center`: from one of them, all others are
/// reached by a left turn of less than half a circle.
bool outside_hull(const Pixel& center, const std::vector<Pixel>& points) {
  return std::any_of(points.begin(), points.end(), [&](const Pixel& p) {
    return std::all_of(points.begin(), points.end(), [&](const Pixel& q) {
      const int64_t px = p.column - center.column, py = p.row - center.row;
      const int64_t qx = q.column - center.column, qy = q.row - center.row;
      const int64_t cross = px * qy - py * qx;
      return cross > 0 || (cross == 0 && px * qx + py * qy > 0);
    });
  });
}

/// Whether each of the two targets is as frequent as a fair coin's sides, within 4 deviations.
bool balanced(const torch::Tensor& targets) {
  const auto rows = static_cast<double>(targets.numel());
  return std::abs(targets.sum().item<double>() - rows / 2) < 4 * std::sqrt(rows) / 2;
}

TEST_CASE("Generated images are float32 in [0, 1], their targets int64") {
  for (const auto make : makers) {
    const auto data = made(make, 50, 1);
    REQUIRE((data.inputs.sizes() == torch::IntArrayRef{50, 784}));
    REQUIRE(data.inputs.dtype() == torch::kFloat32);
    REQUIRE((data.targets.sizes() == torch::IntArrayRef{50}));
    REQUIRE(data.targets.dtype() == torch::kInt64);
    REQUIRE(data.inputs.min().item<float>() == 0);
    REQUIRE(data.inputs.max().item<float>() <= 1);
  }
}

TEST_CASE("A rectangle is a white outline, and its target says whether it is tall") {
  const auto data = made(make_rectangles, 1000, 2);
  for (int64_t i = 0; i < data.size(); ++i) {
    const auto white = pixels_of(data.inputs[i], 1);
    REQUIRE(!white.empty());
    const auto [top, bottom] = std::minmax_element(white.begin(), white.end(),
                                                   [](auto& a, auto& b) { return a.row < b.row; });
    const auto [left, right] = std::minmax_element(
        white.begin(), white.end(), [](auto& a, auto& b) { return a.column < b.column; });
    auto expected = torch::zeros({28, 28});
    const auto box =
        expected.slice(0, top->row, bottom->row + 1).slice(1, left->column, right->column + 1);
    box.fill_(1);
    const int64_t height = box.size(0), width = box.size(1);
    if (height > 2 && width > 2) box.slice(0, 1, height - 1).slice(1, 1, width - 1).fill_(0);
    REQUIRE(torch::equal(data.inputs[i], expected.flatten()));
    REQUIRE(std::abs(height - width) >= 3);
    REQUIRE(data.targets[i].item<int64_t>() == (height > width ? 1 : 0));
  }
}

TEST_CASE("Rectangles have all sizes, and stand at every place that they fit in") {
  const auto images = made(make_rectangles, 4000, 3).inputs.view({-1, 28, 28});
  for (const int64_t direction : {1, 2}) {
    const auto extents = std::get<0>(images.max(3 - direction));
    const auto sizes = extents.sum(1).to(torch::kInt64);
    REQUIRE(sizes.bincount({}, 29).slice(0, 1).min().item<int64_t>() > 0);
    REQUIRE(
        extents.index_select(0, (sizes <= 3).nonzero().flatten()).sum(0).gt(0).all().item<bool>());
  }
}

TEST_CASE("Convex images contain each pixel of their convex hull, the others do not") {
  const auto data = made(make_convex, 100, 4);
  for (int64_t i = 0; i < data.size(); ++i) {
    const auto white = pixels_of(data.inputs[i], 1);
    const auto black = pixels_of(data.inputs[i], 0);
    REQUIRE(white.size() + black.size() == 784);
    const bool convex = std::all_of(black.begin(), black.end(),
                                    [&](const Pixel& p) { return outside_hull(p, white); });
    REQUIRE(data.targets[i].item<int64_t>() == (convex ? 1 : 0));
  }
}

/// Whether the white pixels of each row are neighbors.
bool without_gaps(const torch::Tensor& image) {
  const auto begins = image.slice(1, 1).gt(image.slice(1, 0, 27)).sum(1) + image.select(1, 0);
  return begins.max().item<float>() <= 1;
}

TEST_CASE("Some images are not convex though no row and no column shows it") {
  const auto data = made(make_convex, 1000, 4);
  int64_t hidden = 0;
  for (int64_t i = 0; i < data.size(); ++i) {
    const auto image = data.inputs[i].view({28, 28});
    const bool gaps = !without_gaps(image) || !without_gaps(image.t());
    REQUIRE((data.targets[i].item<int64_t>() == 0 || !gaps));
    hidden += data.targets[i].item<int64_t>() == 0 && !gaps ? 1 : 0;
  }
  REQUIRE(hidden >= 10);
}

TEST_CASE("The number of white pixels does not tell whether they are convex") {
  const auto data = made(make_convex, 8000, 5);
  const auto pixels = data.inputs.sum(1);
  const auto convex = pixels.masked_select(data.targets == 1);
  const auto others = pixels.masked_select(data.targets == 0);
  REQUIRE(convex.min().item<float>() >= 19);
  REQUIRE(others.min().item<float>() >= 10);
  // Both have a standard deviation of about 215, so that the means' difference has one of 5.
  REQUIRE(std::abs(convex.mean().item<double>() - others.mean().item<double>()) < 20);
}

TEST_CASE("Both targets of rectangles and convex sets are equally probable") {
  REQUIRE(balanced(made(make_rectangles, 8000, 6).targets));
  REQUIRE(balanced(made(make_convex, 8000, 6).targets));
}

TEST_CASE("A curve runs from left to right without a gap, in shades of grey") {
  const auto data = made(make_curves, 500, 7);
  REQUIRE(data.targets.eq(0).all().item<bool>());
  for (int64_t i = 0; i < data.size(); ++i) {
    const auto image = data.inputs[i];
    REQUIRE((image > 0.7).any().item<bool>());
    REQUIRE(((image > 0.1) & (image < 0.6)).any().item<bool>());
    const auto ink = image.view({28, 28}).sum(0);
    const auto columns = ink.nonzero();
    const auto first = columns.min().item<int64_t>(), last = columns.max().item<int64_t>();
    // Points at least 4 pixels apart, and two pixels of smoothed ink around them.
    REQUIRE(last - first >= 6);
    REQUIRE(ink.slice(0, first + 3, last - 2).gt(1.5).all().item<bool>());
  }
}

TEST_CASE("A seed gives the same images again, another seed others") {
  for (const auto make : makers) {
    REQUIRE(equal_data(made(make, 20, 8), made(make, 20, 8)));
    REQUIRE(!equal_data(made(make, 20, 8), made(make, 20, 9)));
  }
}

TEST_CASE("Fewer images are the first of more, and further calls go on") {
  for (const auto make : makers) {
    const auto all = made(make, 30, 10);
    REQUIRE(equal_data(made(make, 12, 10), first_rows(all, 12)));
    RandomState random(10);
    const auto a = make(12, random);
    const auto b = make(18, random);
    REQUIRE(
        equal_data({torch::cat({a.inputs, b.inputs}), torch::cat({a.targets, b.targets})}, all));
  }
}

/// @param sums of the first images' pixels
/// @param weighted_sums of their pixels times their indices
void require_sums(const Dataset& data, const std::vector<double>& sums,
                  const std::vector<double>& weighted_sums) {
  const auto images =
      data.inputs.slice(0, 0, static_cast<int64_t>(sums.size())).to(torch::kFloat64);
  const auto expected = torch::tensor(sums, torch::kFloat64);
  const auto weighted = torch::tensor(weighted_sums, torch::kFloat64);
  REQUIRE(torch::allclose(images.sum(1), expected, 0, 1e-4));
  REQUIRE(torch::allclose(images.matmul(torch::arange(784, torch::kFloat64)), weighted, 0, 0.01));
}

// The numbers are those of a replay in NumPy and SciPy that shares no code with this library; it
// gave the same pixels.
TEST_CASE("The images of a seed are those of a replay in NumPy, and so is the next draw") {
  RandomState random(5);
  const auto rectangles = make_rectangles(500, random);
  REQUIRE(rectangles.targets.sum().item<int64_t>() == 259);
  REQUIRE(rectangles.inputs.sum().item<float>() == 25613);
  require_sums(rectangles, {34, 56, 24, 46, 86, 32}, {16388, 30464, 7824, 12075, 46913, 18800});
  REQUIRE(random.random_sample() == 0.34865780000832036);

  random = RandomState(5);
  const auto convex = make_convex(500, random);
  REQUIRE(convex.targets.sum().item<int64_t>() == 262);
  REQUIRE(convex.inputs.sum().item<float>() == 172436);
  require_sums(convex, {88, 176, 565, 326, 494, 248},
               {46480, 93112, 274065, 115443, 242290, 93486});
  REQUIRE(random.random_sample() == 0.6070237360807101);

  random = RandomState(5);
  const auto curves = make_curves(500, random);
  REQUIRE(std::abs(curves.inputs.sum(torch::kFloat64).item<double>() - 23634.060632) < 1e-3);
  require_sums(curves, {53.3978, 50.63536, 39.4213, 10.30754, 47.16349, 75.85693},
               {24119.1484, 13243.4527, 11868.3817, 2498.4927, 23126.0418, 20507.1735});
  REQUIRE(random.random_sample() == 0.1428141154176069);
}

TEST_CASE("Generators of images name the number of rows that they cannot make") {
  const char* names[] = {"make_rectangles", "make_convex", "make_curves"};
  for (size_t i = 0; i < std::size(makers); ++i) {
    for (const int64_t rows : {0, -3}) {
      try {
        made(makers[i], rows, 1);
        FAIL_CHECK("not refused");
      } catch (const std::invalid_argument& error) {
        CHECK(error.what() == std::string(names[i]) + ": rows is " + std::to_string(rows));
      }
    }
  }
}

}  // namespace
}  // namespace layerwise
