#include "layerwise/nn/augmentation.h"

#include <stdexcept>
#include <utility>

#include <fmt/format.h>
#include <torch/utils.h>

namespace layerwise {

namespace {

/// @returns float64 [batch, count], on the device of the images
torch::Tensor uniform_of_images(const torch::Tensor& images, const NoisePlace& place, int64_t count,
                                const char* what) {
  if (images.dim() != 4) {
    throw std::invalid_argument(
        fmt::format("{}: inputs of {} dimensions; images have 4, [batch, channels, height, width]",
                    what, images.dim()));
  }
  return uniform_noise(place, count, images.device());
}

}  // namespace

NoisePlace augmenting(NoisePlace batch) {
  batch.stage += uint32_t{1} << 30;
  return batch;
}

Augmentation random_crop(int64_t padding, const torch::Tensor& border) {
  if (padding <= 0)
    throw std::invalid_argument(fmt::format("random_crop: the padding is {}", padding));
  return {[=](const torch::Tensor& images, const NoisePlace& place) {
    const auto u = uniform_of_images(images, place, 2, "random_crop");
    const auto numbers = torch::TensorOptions().dtype(torch::kInt64).device(images.device());
    const auto shifts = u.mul(static_cast<double>(2 * padding + 1)).floor().to(numbers);
    const auto height = images.size(2);
    const auto width = images.size(3);
    const auto shade = border.defined() ? border.to(images.options()).view({1, -1, 1, 1})
                                        : torch::zeros({1, 1, 1, 1}, images.options());
    auto padded =
        shade.expand({images.size(0), images.size(1), height + 2 * padding, width + 2 * padding})
            .clone();
    padded.narrow(2, padding, height).narrow(3, padding, width).copy_(images);
    const auto rows =
        torch::arange(height, numbers).view({1, -1, 1}) + shifts.select(1, 0).view({-1, 1, 1});
    const auto columns =
        torch::arange(width, numbers).view({1, 1, -1}) + shifts.select(1, 1).view({-1, 1, 1});
    const auto of_channels = (rows * (width + 2 * padding) + columns)
                                 .flatten(1)
                                 .unsqueeze(1)
                                 .expand({images.size(0), images.size(1), height * width});
    return padded.flatten(2).gather(2, of_channels).view(images.sizes());
  }};
}

Augmentation random_flip() {
  return {[](const torch::Tensor& images, const NoisePlace& place) {
    const auto u = uniform_of_images(images, place, 1, "random_flip");
    const auto mirrored = u.lt(0.5).view({-1, 1, 1, 1});
    return torch::where(mirrored, images.flip({3}), images);
  }};
}

Augmentation compose(std::vector<Augmentation> augmentations) {
  return {[all = std::move(augmentations)](const torch::Tensor& inputs, const NoisePlace& place) {
    auto changed = inputs;
    auto own_place = place;
    for (const auto& augmentation : all) {
      changed = augmentation.apply(changed, own_place);
      own_place.stage += uint32_t{1} << 20;
    }
    return changed;
  }};
}

}  // namespace layerwise
