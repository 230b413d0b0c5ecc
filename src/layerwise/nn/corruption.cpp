#include "layerwise/nn/corruption.h"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <stdexcept>
#include <utility>

#include <fmt/format.h>
#include <torch/utils.h>

namespace layerwise {

namespace {

constexpr uint32_t multipliers[] = {0xd2511f53U, 0xcd9e8d57U};
constexpr uint32_t key_steps[] = {0x9e3779b9U, 0xbb67ae85U};
constexpr int rounds = 10;

/// Philox on many counters at once, in arrays that a compiler can keep in vector registers.
constexpr int64_t lanes = 16;
struct Lanes {
  uint32_t word[4][lanes];
};

inline void philox_lanes(Lanes& x, uint32_t key0, uint32_t key1) {
  for (int round = 0; round < rounds; ++round) {
    for (int64_t i = 0; i < lanes; ++i) {
      const uint64_t product0 = uint64_t{multipliers[0]} * x.word[0][i];
      const uint64_t product1 = uint64_t{multipliers[1]} * x.word[2][i];
      const uint32_t word1 = x.word[1][i];
      const uint32_t word3 = x.word[3][i];
      x.word[0][i] = static_cast<uint32_t>(product1 >> 32) ^ word1 ^ key0;
      x.word[1][i] = static_cast<uint32_t>(product1);
      x.word[2][i] = static_cast<uint32_t>(product0 >> 32) ^ word3 ^ key1;
      x.word[3][i] = static_cast<uint32_t>(product0);
    }
    key0 += key_steps[0];
    key1 += key_steps[1];
  }
}

/// Uniform noise for each entry of a batch, on its device.
torch::Tensor uniform_for(const torch::Tensor& clean, const NoisePlace& place) {
  const int64_t elements = clean.numel() / clean.size(0);
  return uniform_noise(place, elements)
      .narrow(1, 0, elements)
      .contiguous()
      .to(clean.device())
      .view_as(clean);
}

void require_share(double share, const char* what) {
  if (!(share > 0 && share < 1))
    throw std::invalid_argument(fmt::format("{}: the share is {}", what, share));
}

}  // namespace

std::array<uint32_t, 4> philox(std::array<uint32_t, 4> counter, std::array<uint32_t, 2> key) {
  Lanes x{};
  for (size_t i = 0; i < 4; ++i) x.word[i][0] = counter[i];
  philox_lanes(x, key[0], key[1]);
  return {x.word[0][0], x.word[1][0], x.word[2][0], x.word[3][0]};
}

torch::Tensor uniform_noise(const NoisePlace& place, int64_t elements) {
  const int64_t blocks = (elements + 3) / 4;
  auto noise = torch::empty({static_cast<int64_t>(place.rows.size()), 4 * blocks}, torch::kFloat64);
  auto* out = noise.data_ptr<double>();
  for (const int64_t row : place.rows) {
    for (int64_t begin = 0; begin < blocks; begin += lanes) {
      Lanes x;
      for (int64_t i = 0; i < lanes; ++i) {
        x.word[0][i] = static_cast<uint32_t>(begin + i);
        x.word[1][i] = static_cast<uint32_t>(row);
        x.word[2][i] = place.step;
        x.word[3][i] = place.stage;
      }
      philox_lanes(x, place.key.seed, place.key.repeat);
      const int64_t used = std::min(lanes, blocks - begin);
      for (int64_t i = 0; i < used; ++i) {
        for (int word = 0; word < 4; ++word) *out++ = (x.word[word][i] + 0.5) * 0x1p-32;
      }
    }
  }
  return noise;
}

Corruption gaussian_noise(double standard_deviation) {
  if (!(standard_deviation > 0 && std::isfinite(standard_deviation))) {
    throw std::invalid_argument(
        fmt::format("gaussian_noise: the standard deviation is {}", standard_deviation));
  }
  const auto apply = [=](const torch::Tensor& clean, const NoisePlace& place) -> Corrupted {
    const int64_t elements = clean.numel() / clean.size(0);
    const auto u = uniform_noise(place, elements).view({clean.size(0), -1, 2});
    const auto radius = u.select(2, 0).log().mul_(-2).sqrt_();
    const auto angle = u.select(2, 1).mul(2 * std::numbers::pi);
    const auto normal = torch::stack({radius * angle.cos(), radius * angle.sin()}, 2)
                            .view({clean.size(0), -1})
                            .narrow(1, 0, elements)
                            .contiguous()
                            .to(clean.options())
                            .view_as(clean);
    return {clean + normal * standard_deviation, torch::ones_like(clean, torch::kBool)};
  };
  return {apply, true};
}

Corruption masking_noise(double share) {
  require_share(share, "masking_noise");
  return {[=](const torch::Tensor& clean, const NoisePlace& place) -> Corrupted {
    const auto hit = uniform_for(clean, place).lt(share);
    return {clean.masked_fill(hit, 0), hit};
  }};
}

Corruption input_dropout(double share) {
  require_share(share, "input_dropout");
  return {[=](const torch::Tensor& clean, const NoisePlace& place) -> Corrupted {
    const auto hit = uniform_for(clean, place).lt(share);
    return {clean.masked_fill(hit, 0).div_(1 - share), hit};
  }};
}

Corruption salt_and_pepper_noise(double share) {
  require_share(share, "salt_and_pepper_noise");
  return {[=](const torch::Tensor& clean, const NoisePlace& place) -> Corrupted {
    const auto u = uniform_for(clean, place);
    const auto hit = u.lt(share);
    return {clean.masked_fill(hit, 1).masked_fill(u.lt(share / 2), 0), hit};
  }};
}

}  // namespace layerwise
