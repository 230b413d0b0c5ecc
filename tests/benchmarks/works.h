#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include <torch/utils.h>

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

}  // namespace layerwise::works
