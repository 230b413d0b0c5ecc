#include "layerwise/nn/corruption.h"

#include <cmath>
#include <vector>

#include "layerwise/philox.h"

#include "testing.h"

namespace layerwise {
namespace {

TEST_CASE("Philox4x32-10 gives Random123's known answers") {
  using Words = std::array<uint32_t, 4>;
  REQUIRE(philox({0, 0, 0, 0}, {0, 0}) ==
          Words{0x6627e8d5U, 0xe169c58dU, 0xbc57ac4cU, 0x9b00dbd8U});
  REQUIRE(
      philox({0xffffffffU, 0xffffffffU, 0xffffffffU, 0xffffffffU}, {0xffffffffU, 0xffffffffU}) ==
      Words{0x408f276dU, 0x41c83b0eU, 0xa20bc7c6U, 0x6d5451fdU});
  REQUIRE(
      philox({0x243f6a88U, 0x85a308d3U, 0x13198a2eU, 0x03707344U}, {0xa4093822U, 0x299f31d0U}) ==
      Words{0xd16cfe09U, 0x94fdccebU, 0x5001e420U, 0x24126ea1U});
}

TEST_CASE(
    "Noise belongs to a place: its row, whatever the batch, its step, its stage and its key") {
  const std::vector<int64_t> rows{4, 70, 9};
  const std::vector<int64_t> one{70};
  const NoisePlace place{{1, 2}, 3, 4, rows};
  const auto noise = uniform_noise(place, 101);
  REQUIRE(noise.sizes() == torch::IntArrayRef({3, 101}));
  REQUIRE(torch::equal(uniform_noise({{1, 2}, 3, 4, one}, 101)[0], noise[1]));
  const auto word = philox({25, 70, 4, 3}, {1, 2})[0];
  REQUIRE(noise[1][100].item<double>() == (word + 0.5) / 4294967296.0);
  for (const auto& other : {NoisePlace{{9, 2}, 3, 4, rows}, NoisePlace{{1, 9}, 3, 4, rows},
                            NoisePlace{{1, 2}, 9, 4, rows}, NoisePlace{{1, 2}, 3, 9, rows}}) {
    REQUIRE_FALSE(torch::equal(uniform_noise(other, 101), noise));
  }
}

TEST_CASE("Each corruption does what its name says, in its share") {
  std::vector<int64_t> rows(500);
  for (size_t i = 0; i < rows.size(); ++i) rows[i] = static_cast<int64_t>(i);
  const NoisePlace place{{1, 0}, 1, 0, rows};
  const auto clean = torch::full({500, 10, 7}, 0.5);
  const double entries = 500 * 70;
  const auto share = [&](const torch::Tensor& chosen) {
    return chosen.to(torch::kFloat64).sum().item<double>() / entries;
  };
  const auto near = [&](double value, double expected) {
    return std::abs(value - expected) < 5 * std::sqrt(expected * (1 - expected) / entries);
  };
  const auto masked = masking_noise(0.3).apply(clean, place);
  REQUIRE(torch::equal(masked.hit, masked.input.eq(0)));
  REQUIRE(torch::equal(masked.input.eq(0.5), masked.hit.logical_not()));
  REQUIRE(near(share(masked.hit), 0.3));
  const auto dropped = input_dropout(0.3).apply(clean, place);
  REQUIRE(torch::equal(dropped.hit, masked.hit));
  REQUIRE(torch::allclose(dropped.input, masked.input / 0.7));
  const auto peppered = salt_and_pepper_noise(0.3).apply(clean, place);
  REQUIRE(near(share(peppered.input.eq(0)), 0.15));
  REQUIRE(near(share(peppered.input.eq(1)), 0.15));
  REQUIRE(torch::equal(peppered.input.ne(0.5), peppered.hit));
  const auto gaussian = gaussian_noise(2).apply(clean, place);
  const auto noise = (gaussian.input - clean).to(torch::kFloat64);
  REQUIRE(std::abs(noise.mean().item<double>()) < 5 * 2 / std::sqrt(entries));
  REQUIRE(std::abs(noise.std().item<double>() - 2) < 5 * 2 / std::sqrt(2 * entries));
  REQUIRE(gaussian.hit.all().item<bool>());
  REQUIRE(gaussian_noise(1).in_evaluation);
  REQUIRE(torch::equal(clean, torch::full({500, 10, 7}, 0.5)));
}

TEST_CASE("Corruptions that make no sense are refused") {
  REQUIRE_THROWS_AS(gaussian_noise(0), std::invalid_argument);
  REQUIRE_THROWS_AS(gaussian_noise(INFINITY), std::invalid_argument);
  REQUIRE_THROWS_AS(masking_noise(1), std::invalid_argument);
  REQUIRE_THROWS_AS(input_dropout(NAN), std::invalid_argument);
  REQUIRE_THROWS_AS(salt_and_pepper_noise(-0.1), std::invalid_argument);
}

}  // namespace
}  // namespace layerwise
