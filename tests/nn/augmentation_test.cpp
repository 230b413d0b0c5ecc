#include "layerwise/nn/augmentation.h"

#include <cmath>
#include <cstdint>
#include <stdexcept>
#include <vector>

#include "testing.h"

namespace layerwise {
namespace {

const std::vector<int64_t> row_numbers{7, 3, 11, 5, 2, 9};

NoisePlace place() {
  return {{1, 2}, 3, 4, row_numbers};
}
torch::Tensor images() {
  return torch::arange(6 * 2 * 5 * 4, torch::kFloat32).view({6, 2, 5, 4});
}

TEST_CASE("A crop is the shifted part of the bordered image that its numbers say") {
  const auto border = torch::tensor({-1.0F, -2.0F});
  const auto cropped = random_crop(2, border).apply(images(), place());
  const auto u = uniform_noise(place(), 2);
  bool shifted = false;
  for (int64_t i = 0; i < 6; ++i) {
    const auto down = static_cast<int64_t>(std::floor(u[i][0].item<double>() * 5)) - 2;
    const auto right = static_cast<int64_t>(std::floor(u[i][1].item<double>() * 5)) - 2;
    shifted = shifted || down != 0 || right != 0;
    for (int64_t c = 0; c < 2; ++c) {
      for (int64_t y = 0; y < 5; ++y) {
        for (int64_t x = 0; x < 4; ++x) {
          const bool inside = y + down >= 0 && y + down < 5 && x + right >= 0 && x + right < 4;
          const auto expected = inside ? images()[i][c][y + down][x + right] : border[c];
          REQUIRE(cropped[i][c][y][x].item<float>() == expected.item<float>());
        }
      }
    }
  }
  REQUIRE(shifted);
}

TEST_CASE("A flip mirrors the images whose number is below one half") {
  const auto flipped = random_flip().apply(images(), place());
  const auto u = uniform_noise(place(), 1);
  int64_t mirrored = 0;
  for (int64_t i = 0; i < 6; ++i) {
    const bool mirror = u[i][0].item<double>() < 0.5;
    mirrored += mirror ? 1 : 0;
    REQUIRE(torch::equal(flipped[i], mirror ? images()[i].flip({2}) : images()[i]));
  }
  REQUIRE(mirrored > 0);
  REQUIRE(mirrored < 6);
}

TEST_CASE("An image is changed alike whatever batch it is in, and otherwise in every step") {
  const auto both = compose({random_crop(1), random_flip()});
  const auto whole = both.apply(images(), place());
  const std::vector<int64_t> two{11, 5};
  auto other = place();
  other.rows = two;
  REQUIRE(torch::equal(both.apply(images().narrow(0, 2, 2), other), whole.narrow(0, 2, 2)));
  auto later = place();
  ++later.step;
  REQUIRE_FALSE(torch::equal(both.apply(images(), later), whole));
}

TEST_CASE("Augmentations that follow each other have numbers of their own") {
  const auto twice = compose({random_flip(), random_flip()}).apply(images(), place());
  REQUIRE_FALSE(torch::equal(twice, images()));  // the same numbers would undo the first
}

TEST_CASE("Augmentations of images refuse what is none") {
  REQUIRE_THROWS_AS(random_crop(0), std::invalid_argument);
  REQUIRE_THROWS_AS(random_crop(1).apply(torch::zeros({6, 4}), place()), std::invalid_argument);
  REQUIRE_THROWS_AS(random_flip().apply(torch::zeros({6, 4}), place()), std::invalid_argument);
}

}  // namespace
}  // namespace layerwise
