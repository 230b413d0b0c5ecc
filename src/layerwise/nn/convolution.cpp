#include "layerwise/nn/convolution.h"

#include <algorithm>
#include <ostream>
#include <stdexcept>

#include <ATen/ops/adaptive_avg_pool2d.h>
#include <ATen/ops/conv2d.h>
#include <ATen/ops/linear.h>
#include <ATen/ops/pixel_unshuffle.h>
#include <ATen/ops/relu.h>
#include <ATen/ops/zeros.h>
#include <fmt/format.h>
#include <fmt/ranges.h>

namespace layerwise {

torch::Tensor space_to_depth(const torch::Tensor& images, int64_t factor) {
  if (images.dim() != 4 || images.size(2) % factor != 0 || images.size(3) % factor != 0) {
    throw std::invalid_argument(
        fmt::format("space_to_depth: [{}] is no batch of images whose height and width are "
                    "multiples of {}",
                    fmt::join(images.sizes().begin(), images.sizes().end(), ", "), factor));
  }
  return at::pixel_unshuffle(images, factor);
}

ConvolutionImpl::ConvolutionImpl(const ConvolutionOptions& options_) : options(options_) {
  const auto& o = options;
  if (o.in_channels < 1 || o.out_channels < 1 || o.kernel_size < 1 || o.kernel_size % 2 == 0 ||
      o.space_to_depth < 1) {
    throw std::invalid_argument(
        fmt::format("Convolution: {} -> {} channels, kernel of size {}, space to depth by {}",
                    o.in_channels, o.out_channels, o.kernel_size, o.space_to_depth));
  }
  reset();
}

void ConvolutionImpl::reset() {
  const auto in = options.in_channels * options.space_to_depth * options.space_to_depth;
  weight = register_parameter(
      "weight", at::zeros({options.out_channels, in, options.kernel_size, options.kernel_size}));
  if (options.batch_norm) {
    norm = register_module("norm", torch::nn::BatchNorm2d(options.out_channels));
  } else {
    bias = register_parameter("bias", at::zeros({options.out_channels}));
  }
}

void ConvolutionImpl::pretty_print(std::ostream& stream) const {
  stream << fmt::format("Convolution({} -> {} channels, {}x{}, {}{}{})", options.in_channels,
                        options.out_channels, options.kernel_size, options.kernel_size,
                        options.batch_norm ? "batch norm, " : "", name_of(options.activation),
                        options.space_to_depth > 1
                            ? fmt::format(", after space to depth by {}", options.space_to_depth)
                            : std::string());
}

torch::Tensor ConvolutionImpl::forward(const torch::Tensor& x) {
  auto input = options.space_to_depth > 1 ? space_to_depth(x, options.space_to_depth) : x;
  // Convolutions are faster with the channels of a pixel side by side, on the CPU and on CUDA.
  if (x.size(1) > 1) input = input.contiguous(at::MemoryFormat::ChannelsLast);
  auto sums = at::conv2d(input, weight, bias, /*stride=*/1, /*padding=*/options.kernel_size / 2);
  if (norm) sums = norm->forward(sums);
  return activate(sums, options.activation);
}

Convolution make_convolution(const ConvolutionOptions& options, RandomState& initialization,
                             Initializer initializer) {
  Convolution block(options);
  initializer(block->weight, initialization);
  return block;
}

ResidualConvolutionImpl::ResidualConvolutionImpl(int64_t channels_, int64_t kernel_size_)
    : channels(channels_), kernel_size(kernel_size_) {
  reset();
}

void ResidualConvolutionImpl::reset() {
  ConvolutionOptions options{
      .in_channels = channels, .out_channels = channels, .kernel_size = kernel_size};
  first = register_module("first", Convolution(options));
  options.activation = Activation::linear;
  second = register_module("second", Convolution(options));
}

torch::Tensor ResidualConvolutionImpl::forward(const torch::Tensor& x) {
  return at::relu(x + second->forward(first->forward(x)));
}

ResidualConvolution make_residual(int64_t channels, RandomState& initialization,
                                  Initializer initializer) {
  ResidualConvolution block(channels);
  initializer(block->first->weight, initialization);
  initializer(block->second->weight, initialization);
  return block;
}

PooledHeadImpl::PooledHeadImpl(const PooledHeadOptions& options_) : options(options_) {
  const auto& o = options;
  if (o.channels < 1 || o.classes < 1 || o.convolutions < 0 || o.pooled < 1) {
    throw std::invalid_argument(
        fmt::format("PooledHead: {} channels, {} classes, {} convolutions, pooled to {}",
                    o.channels, o.classes, o.convolutions, o.pooled));
  }
  reset();
}

void PooledHeadImpl::reset() {
  convolutions.clear();
  const ConvolutionOptions options_of_each{.in_channels = options.channels,
                                           .out_channels = options.channels,
                                           .batch_norm = options.batch_norm};
  for (int64_t i = 1; i <= options.convolutions; ++i) {
    convolutions.push_back(
        register_module(fmt::format("convolution{}", i), Convolution(options_of_each)));
  }
  if (options.batch_norm) norm = register_module("norm", torch::nn::BatchNorm2d(options.channels));
  weight = register_parameter(
      "weight", at::zeros({options.classes, options.channels * options.pooled * options.pooled}));
  bias = register_parameter("bias", at::zeros({options.classes}));
}

void PooledHeadImpl::pretty_print(std::ostream& stream) const {
  stream << fmt::format("PooledHead({} channels, {} convolutions, pooled to {}x{}, {} classes)",
                        options.channels, options.convolutions, options.pooled, options.pooled,
                        options.classes);
}

torch::Tensor PooledHeadImpl::forward(const torch::Tensor& x) {
  auto values = x;
  for (auto& block : convolutions) values = block->forward(values);
  values = at::adaptive_avg_pool2d(values, {options.pooled, options.pooled});
  if (norm) values = norm->forward(values);
  return at::linear(values.flatten(1), weight, bias);
}

PooledHead make_pooled_head(const PooledHeadOptions& options, RandomState& initialization,
                            Initializer of_convolutions, Initializer of_linear) {
  PooledHead head(options);
  for (auto& block : head->convolutions) of_convolutions(block->weight, initialization);
  of_linear(head->weight, initialization);
  return head;
}

}  // namespace layerwise
