#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include <torch/nn/functional/loss.h>
#include <torch/nn/modules/activation.h>
#include <torch/nn/modules/batchnorm.h>
#include <torch/nn/modules/conv.h>
#include <torch/nn/modules/linear.h>
#include <torch/nn/modules/pixelshuffle.h>
#include <torch/nn/modules/pooling.h>
#include <torch/optim/sgd.h>
#include <torch/utils.h>

#include "layerwise/engines/precision.h"
#include "layerwise/engines/rbm_engine.h"
#include "layerwise/layerwise.h"

/// Works that are timed, set up and ready to run: shared by benchmark.cpp and turns.cpp.
namespace layerwise::works {

/// The tutorial's supervised part: 11 stages of 100 epochs of 16 steps.
struct Blobs {
  static constexpr int64_t layers = 12;
  static constexpr int64_t steps = 17600;

  Split data = split(to_dataset(make_blobs(
                         {.samples = 1000, .centers = 3, .cluster_std = {2.0}, .random_state = 2})),
                     500);
  Random random{1, 0};

  GreedyNet shallow() {
    return GreedyNet(dense(2, 10, random.initialization), output(10, 3, random.initialization));
  }

  void run(EngineKind engine) {
    GreedyNet net = shallow();
    SupervisedDeepeningOptions options{.layers = layers, .fit = {}};
    options.fit.engine.kind = engine;
    const auto next = [](RandomState& draw) { return dense(10, 10, draw); };
    deepen_supervised(net, data, options, next, random);
  }
};

/// One of the later stages alone: with the cache, the last costs what the second does.
class BlobsStage {
 public:
  /// @param stage from 1
  explicit BlobsStage(int64_t stage) {
    while (net_->layers() < stage + 1) net_->deepen(dense(10, 10, blobs_.random.initialization));
    features_.of(net_->stage().frozen);
  }

  void run() {
    fit_stage(net_->stage(), {classification()}, features_, blobs_.data, {}, blobs_.random);
  }

 private:
  Blobs blobs_;
  GreedyNet net_ = blobs_.shallow();
  FeatureCache features_{blobs_.data};
};

/// Steps of an autoencoder with one hidden layer, ELU, on random images, Adam.
class AutoencoderSteps {
 public:
  struct Shape {
    int64_t inputs = 784;
    int64_t hidden = 300;
    int64_t batch_size = 150;
    int64_t rows = 6000;
  };

  explicit AutoencoderSteps(const EngineOptions& engine)
      : AutoencoderSteps(engine, {}, torch::kCPU) {}

  AutoencoderSteps(const EngineOptions& engine, const Shape& shape, torch::Device device)
      : shape_(shape) {
    const auto layer = [&](int64_t in, int64_t out, Activation activation) {
      auto dense = make_dense({in, out, activation}, glorot_uniform_, random_.initialization);
      dense->to(device);
      return Block(dense);
    };
    const std::vector<Block> blocks{layer(shape.inputs, shape.hidden, Activation::elu),
                                    layer(shape.hidden, shape.inputs, Activation::linear)};
    FitOptions options{.batch_size = shape.batch_size, .optimizer = Adam{}};
    options.engine = engine;
    const Split data{{torch::rand({shape.rows, shape.inputs}).to(device), {}}, {}};
    engine_ = make_engine({{}, blocks}, {reconstruction(), Target::features}, data, options);
  }

  int64_t steps() const { return shape_.rows / shape_.batch_size; }  ///< in one run
  std::vector<int64_t> draw_order() {
    auto order = random_.order.permutation(shape_.rows);
    order.resize(static_cast<size_t>(steps() * shape_.batch_size));
    return order;
  }
  void run(const std::vector<int64_t>& order) { engine_->run(order); }

 private:
  Shape shape_;
  Random random_{1, 0};
  std::unique_ptr<Engine> engine_;
};

/// Steps of persistent contrastive divergence on an RBM of 784 and 1,000 units, on random images.
class RbmSteps {
 public:
  static constexpr int64_t rows = 6000;

  explicit RbmSteps(int64_t batch_size) : batch_size_(batch_size) {
    const Block rbm(make_rbm({784, 1000}, small_normal_, random_.initialization));
    FitOptions options{.batch_size = batch_size, .optimizer = Sgd{.momentum = 0}};
    options.make_engine = contrastive_divergence({.persistent = true, .sample_visible = true});
    engine_ = make_engine({{}, {rbm}}, {rbm_objective(), Target::none},
                          {{torch::rand({rows, 784}), {}}, {}}, options);
  }

  int64_t steps() const { return rows / batch_size_; }
  void run() { engine_->run(random_.order.permutation(rows)); }

 private:
  int64_t batch_size_;
  Random random_{1, 0};
  std::unique_ptr<Engine> engine_;
};

/// A later stage of cnn_supervised: its features are random, its block halves the images.
struct ConvolutionShape {
  int64_t in_channels = 16;
  int64_t out_channels = 32;
  int64_t pixels = 28;  ///< each way, of the features
  int64_t batch_size = 128;
  int64_t rows = 1280;

  Split data(torch::Device device) const {
    const auto labels = torch::arange(rows).remainder(10);
    return {{torch::rand({rows, in_channels, pixels, pixels}).to(device), labels.to(device)}, {}};
  }
};

/// Its steps by this library: SGD with momentum and L2 decay.
class ConvolutionSteps {
 public:
  ConvolutionSteps(Precision precision, const ConvolutionShape& shape, torch::Device device)
      : shape_(shape) {
    std::vector<Block> blocks{
        Block(make_convolution({.in_channels = shape.in_channels,
                                .out_channels = shape.out_channels,
                                .space_to_depth = 2},
                               random_.initialization)),
        Block(make_pooled_head({.channels = shape.out_channels}, random_.initialization))};
    for (auto& block : blocks) block.ptr()->to(device);
    FitOptions options{
        .batch_size = shape.batch_size, .optimizer = Sgd{.learning_rate = 0.01}, .l2 = 5e-4};
    options.engine = {EngineKind::autograd, precision};
    settle_precision(precision, device);
    engine_ = make_engine({{}, blocks}, {classification()}, shape.data(device), options);
  }

  int64_t steps() const { return shape_.rows / shape_.batch_size; }
  void run() { engine_->run(random_.order.permutation(shape_.rows)); }

 private:
  ConvolutionShape shape_;
  Random random_{1, 0};
  std::unique_ptr<Engine> engine_;
};

/// The same steps in a loop straight on LibTorch.
class ConvolutionLoop {
 public:
  ConvolutionLoop(const ConvolutionShape& shape, torch::Device device)
      : shape_(shape), data_(shape.data(device).train) {
    namespace nn = torch::nn;
    net_ = nn::Sequential(
        nn::PixelUnshuffle(2),
        nn::Conv2d(
            nn::Conv2dOptions(4 * shape.in_channels, shape.out_channels, 3).padding(1).bias(false)),
        nn::BatchNorm2d(shape.out_channels), nn::ReLU(), nn::AdaptiveAvgPool2d(2),
        nn::BatchNorm2d(shape.out_channels), nn::Flatten(), nn::Linear(4 * shape.out_channels, 10));
    net_->to(device);
    data_.inputs = data_.inputs.contiguous(at::MemoryFormat::ChannelsLast);
    sgd_ = std::make_unique<torch::optim::SGD>(
        net_->parameters(), torch::optim::SGDOptions(0.01).momentum(0.9).weight_decay(5e-4));
  }

  void run() {
    const auto order = torch::randperm(shape_.rows).to(data_.inputs.device());
    auto sum = torch::zeros({}, data_.inputs.options());
    for (int64_t begin = 0; begin < shape_.rows; begin += shape_.batch_size) {
      const auto batch = order.narrow(0, begin, shape_.batch_size);
      sgd_->zero_grad();
      const auto loss = torch::nn::functional::cross_entropy(
          net_->forward(data_.inputs.index_select(0, batch)), data_.targets.index_select(0, batch));
      loss.backward();
      sgd_->step();
      sum += loss.detach();
    }
    sum.item<float>();
  }

 private:
  ConvolutionShape shape_;
  Dataset data_;
  torch::nn::Sequential net_;
  std::unique_ptr<torch::optim::SGD> sgd_;
};

}  // namespace layerwise::works
