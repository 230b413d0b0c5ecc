#pragma once

#include <cstdint>
#include <vector>

#include <torch/nn/cloneable.h>
#include <torch/nn/modules/batchnorm.h>
#include <torch/nn/pimpl.h>

#include "layerwise/nn/activation.h"
#include "layerwise/nn/chain.h"
#include "layerwise/nn/initializers.h"
#include "layerwise/random.h"

namespace layerwise {

/// Each square of `factor` x `factor` pixels becomes one pixel with `factor`^2 times the channels:
/// [rows, channels, height, width] -> [rows, channels factor^2, height / factor, width / factor].
/// Channel c of the pixel at (y, x) of a square becomes channel c factor^2 + y factor + x, as
/// PyTorch's `pixel_unshuffle`.
/// @throws std::invalid_argument if the height or the width is no multiple of `factor`
torch::Tensor space_to_depth(const torch::Tensor& images, int64_t factor);

struct ConvolutionOptions {
  int64_t in_channels = 0;
  int64_t out_channels = 0;
  int64_t kernel_size = 3;  ///< odd; borders are padded with zeros, so that images keep their size
  bool batch_norm = true;   ///< then there is no bias
  Activation activation = Activation::relu;
  int64_t space_to_depth = 1;  ///< before the convolution, with this factor
};

/// A convolutional block: space to depth, convolution, batch normalization, activation.
///
/// Weights are zero until an initializer fills them (see `make_convolution`).
/// @see Belilovsky et al., "Greedy Layerwise Learning Can Scale to ImageNet", 2019, section 3
class ConvolutionImpl : public torch::nn::Cloneable<ConvolutionImpl> {
 public:
  /// @throws std::invalid_argument if a count is not positive, or the kernel's size even
  explicit ConvolutionImpl(const ConvolutionOptions& options);

  void reset() override;
  void pretty_print(std::ostream& stream) const override;

  /// @param x [rows, in_channels, height, width]
  /// @returns [rows, out_channels, height / space_to_depth, width / space_to_depth]
  torch::Tensor forward(const torch::Tensor& x);

  ConvolutionOptions options;
  /// [out_channels, in_channels space_to_depth^2, kernel_size, kernel_size]
  torch::Tensor weight;
  torch::Tensor bias;                     ///< [out_channels]; undefined with batch normalization
  torch::nn::BatchNorm2d norm = nullptr;  ///< empty without batch normalization
};
TORCH_MODULE(Convolution);

/// A convolutional block with weights drawn by an initializer; biases are zero, scales one.
Convolution make_convolution(const ConvolutionOptions& options, RandomState& initialization,
                             Initializer initializer = he_uniform_);

/// A residual block of two convolutions: relu(x + f(x)), f = convolution, batch normalization,
/// ReLU, convolution, batch normalization.
/// @see He et al., "Deep Residual Learning for Image Recognition", 2016, section 3
class ResidualConvolutionImpl : public torch::nn::Cloneable<ResidualConvolutionImpl> {
 public:
  /// @throws std::invalid_argument if a count is not positive, or the kernel's size even
  explicit ResidualConvolutionImpl(int64_t channels, int64_t kernel_size = 3);

  void reset() override;
  /// @param x [rows, channels, height, width]
  /// @returns the same shape
  torch::Tensor forward(const torch::Tensor& x);

  int64_t channels;
  int64_t kernel_size;
  Convolution first = nullptr;
  Convolution second = nullptr;
};
TORCH_MODULE(ResidualConvolution);

/// A residual block with weights drawn by an initializer, the first convolution's first.
ResidualConvolution make_residual(int64_t channels, RandomState& initialization,
                                  Initializer initializer = he_uniform_);

struct PooledHeadOptions {
  int64_t channels = 0;
  int64_t classes = 10;
  int64_t convolutions = 0;  ///< before the pooling: k - 1 for the paper's head of k layers
  int64_t pooled = 2;        ///< average pooling to so many pixels each way
  bool batch_norm = true;    ///< of the convolutions and of the pooled values
};

/// The head of a convolutional network: convolutional blocks, average pooling to a fixed size,
/// batch normalization, and a linear layer, which puts out logits.
///
/// Weights are zero until an initializer fills them (see `make_pooled_head`).
/// @see Belilovsky et al., 2019, section 3.2, "auxiliary" classifiers
class PooledHeadImpl : public torch::nn::Cloneable<PooledHeadImpl> {
 public:
  /// @throws std::invalid_argument if `convolutions` is negative or another count not positive
  explicit PooledHeadImpl(const PooledHeadOptions& options);

  void reset() override;
  void pretty_print(std::ostream& stream) const override;

  /// @param x [rows, channels, height, width], of any height and width
  /// @returns logits [rows, classes]
  torch::Tensor forward(const torch::Tensor& x);

  PooledHeadOptions options;
  std::vector<Convolution> convolutions;
  torch::nn::BatchNorm2d norm = nullptr;  ///< empty without batch normalization
  torch::Tensor weight;                   ///< [classes, channels pooled^2]
  torch::Tensor bias;                     ///< [classes]
};
TORCH_MODULE(PooledHead);

/// A head with weights drawn by initializers, the convolutions' first; biases are zero, scales one.
PooledHead make_pooled_head(const PooledHeadOptions& options, RandomState& initialization,
                            Initializer of_convolutions = he_uniform_,
                            Initializer of_linear = glorot_uniform_);

}  // namespace layerwise
