#include "layerwise/nn/corruption.h"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <stdexcept>
#include <utility>

#include <fmt/format.h>
#include <torch/utils.h>

#include "layerwise/philox.h"
#include "layerwise/upload.h"

namespace layerwise {

namespace {

/// Uniform noise for each entry of a batch, on the device of the batch.
torch::Tensor uniform_for(const torch::Tensor& clean, const NoisePlace& place) {
  const int64_t elements = clean.numel() / clean.size(0);
  return uniform_noise(place, elements, clean.device()).view_as(clean);
}

/// [rows, elements rounded up to a multiple of 4], on the CPU.
torch::Tensor uniform_groups(const NoisePlace& place, int64_t elements) {
  const int64_t blocks = (elements + 3) / 4;
  auto noise = torch::empty({static_cast<int64_t>(place.rows.size()), 4 * blocks}, torch::kFloat64);
  auto* out = noise.data_ptr<double>();
  for (const int64_t row : place.rows) {
    for (int64_t begin = 0; begin < blocks; begin += PhiloxLanes::count) {
      PhiloxLanes x;
      for (int64_t i = 0; i < PhiloxLanes::count; ++i) {
        x.word[0][i] = static_cast<uint32_t>(begin + i);
        x.word[1][i] = static_cast<uint32_t>(row);
        x.word[2][i] = place.step;
        x.word[3][i] = place.stage;
      }
      x.encrypt({place.key.seed, place.key.repeat});
      const int64_t used = std::min(PhiloxLanes::count, blocks - begin);
      for (int64_t i = 0; i < used; ++i) {
        for (int word = 0; word < 4; ++word) *out++ = (x.word[word][i] + 0.5) * 0x1p-32;
      }
    }
  }
  return noise;
}

void require_share(double share, const char* what) {
  if (!(share > 0 && share < 1))
    throw std::invalid_argument(fmt::format("{}: the share is {}", what, share));
}

}  // namespace

torch::Tensor uniform_noise(const NoisePlace& place, int64_t elements, torch::Device device) {
  return upload(uniform_groups(place, elements).narrow(1, 0, elements).contiguous(), device);
}

torch::Tensor normal_noise(const NoisePlace& place, int64_t elements, torch::Device device) {
  const auto rows = static_cast<int64_t>(place.rows.size());
  const auto u = uniform_groups(place, elements).view({rows, -1, 2});
  const auto radius = u.select(2, 0).log().mul_(-2).sqrt_();
  const auto angle = u.select(2, 1).mul(2 * std::numbers::pi);
  const auto numbers = torch::stack({radius * angle.cos(), radius * angle.sin()}, 2)
                           .view({rows, -1})
                           .narrow(1, 0, elements)
                           .contiguous();
  return upload(numbers, device);
}

Corruption gaussian_noise(double standard_deviation) {
  if (!(standard_deviation > 0 && std::isfinite(standard_deviation))) {
    throw std::invalid_argument(
        fmt::format("gaussian_noise: the standard deviation is {}", standard_deviation));
  }
  const auto apply = [=](const torch::Tensor& clean, const NoisePlace& place) -> Corrupted {
    const int64_t elements = clean.numel() / clean.size(0);
    const auto normal =
        normal_noise(place, elements, clean.device()).to(clean.scalar_type()).view_as(clean);
    return {clean + normal * standard_deviation, torch::ones_like(clean, torch::kBool)};
  };
  return {apply, true, NoiseKind::gaussian, standard_deviation};
}

Corruption masking_noise(double share) {
  require_share(share, "masking_noise");
  return {[=](const torch::Tensor& clean, const NoisePlace& place) -> Corrupted {
            const auto hit = uniform_for(clean, place).lt(share);
            return {clean.masked_fill(hit, 0), hit};
          },
          false, NoiseKind::masking, share};
}

Corruption input_dropout(double share) {
  require_share(share, "input_dropout");
  return {[=](const torch::Tensor& clean, const NoisePlace& place) -> Corrupted {
            const auto hit = uniform_for(clean, place).lt(share);
            return {clean.masked_fill(hit, 0).div_(1 - share), hit};
          },
          false, NoiseKind::dropout, share};
}

Corruption salt_and_pepper_noise(double share) {
  require_share(share, "salt_and_pepper_noise");
  return {[=](const torch::Tensor& clean, const NoisePlace& place) -> Corrupted {
            const auto u = uniform_for(clean, place);
            const auto hit = u.lt(share);
            return {clean.masked_fill(hit, 1).masked_fill(u.lt(share / 2), 0), hit};
          },
          false, NoiseKind::salt_and_pepper, share};
}

}  // namespace layerwise
