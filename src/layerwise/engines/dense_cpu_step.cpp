/// The dense engine's step on the CPU: closed-form gradients of a chain of dense layers.
///
///     forward    Y = activation(X W^T + b)    product, then one pass
///     loss       D = dL/d(sums)               one pass: loss, D, b's gradient
///     backward   dX = D W                     product
///                dW = D^T X                   product
///                W, b <- optimizer            one pass, while dW is in the cache
///                D = dX * activation'         one pass, with b's gradient of the layer below
///
/// With bf16 each pass also writes its result rounded to bfloat16, which the products read.
/// Products accumulate in float32; weights, gradients and moments stay float32.
///
/// Products are bound to their matrices when a batch size occurs for the first time. All batches of
/// an epoch except the last have the same size.
#include <algorithm>
#include <map>
#include <numeric>
#include <optional>
#include <stdexcept>
#include <utility>
#include <variant>

#include <ATen/Parallel.h>
#include <fmt/format.h>
#include <torch/utils.h>

#include "layerwise/engines/dense_kernels.h"
#include "layerwise/engines/dense_step.h"
#include "layerwise/engines/kernels.h"
#include "layerwise/engines/product.h"

namespace layerwise {

namespace {

/// A matrix, and with bf16 its rounded copy, which the products read.
struct Matrix {
  torch::Tensor values;
  torch::Tensor rounded;

  float* data() const { return values.data_ptr<float>(); }
  uint16_t* bf16() const {
    return rounded.defined() ? static_cast<uint16_t*>(rounded.data_ptr()) : nullptr;
  }
  const torch::Tensor& factor() const { return rounded.defined() ? rounded : values; }
};

Matrix matrix_like(const torch::Tensor& values, bool bf16) {
  return {values, bf16 ? torch::empty_like(values, torch::kBFloat16) : torch::Tensor()};
}

Matrix make_matrix(int64_t rows, int64_t columns, bool bf16) {
  return matrix_like(torch::empty({rows, columns}), bf16);
}

/// A layer's tensors, which are those of the block, with their gradients and the optimizer's
/// moments.
struct TrainedLayer {
  TrainedLayer(const Dense& layer, bool bf16, bool adam)
      : shape(layer->options),
        weight(matrix_like(layer->weight.detach(), bf16)),
        bias(layer->bias.detach()),
        gradient(torch::empty({count()})),
        first(torch::zeros({count()})),
        second(adam ? torch::zeros({count()}) : torch::Tensor()) {
    round();
  }

  /// Updates the rounded copy that products read, if there is one.
  void round() const {
    if (weight.bf16() != nullptr)
      dense_kernels::round_to_bf16(weight.data(), weight.values.numel(), weight.bf16());
  }

  int64_t weights() const { return shape.in_features * shape.out_features; }
  int64_t count() const { return weights() + shape.out_features; }
  torch::Tensor weight_gradient() const {
    return gradient.narrow(0, 0, weights()).view({shape.out_features, shape.in_features});
  }
  float* bias_gradient() const { return gradient.data_ptr<float>() + weights(); }

  DenseOptions shape;
  Matrix weight;
  torch::Tensor bias;
  torch::Tensor gradient;  ///< [weights, then biases], as the moments
  torch::Tensor first;
  torch::Tensor second;
};

/// A layer's matrices for batches of one size.
struct Buffers {
  Matrix output;  ///< [batch, out]; of the last layer, it becomes its delta
  Matrix delta;   ///< [batch, out], the gradient with respect to the layer's sums
  std::unique_ptr<Product> forward;
  std::unique_ptr<Product> backward;  ///< computes the delta of the layer below
  std::unique_ptr<Product> gradient;
};

struct Batch {
  Matrix clean;                 ///< [batch, in]
  Matrix input;                 ///< input of the layers: the same matrix, unless it is corrupted
  torch::Tensor target;         ///< [batch, out], the values to output
  std::vector<int64_t> labels;  ///< the targets of a classifier, instead of `target`
  std::vector<Buffers> layers;
};

class CpuStep : public DenseStep {
 public:
  CpuStep(const std::vector<Dense>& layers, const Problem& problem, const Dataset& train,
          const FitOptions& options)
      : problem_(problem),
        options_(options),
        learning_rate_(learning_rate_of(options.optimizer)),
        inputs_(train.inputs.contiguous()),
        bf16_(options.engine.precision == Precision::bf16),
        multiplier_(chosen_multiplier()) {
    const auto* adam = std::get_if<Adam>(&options.optimizer);
    if (adam != nullptr) steps_ = adam->steps_before;
    for (const auto& layer : layers) layers_.emplace_back(layer, bf16_, adam != nullptr);
    if (problem.target == Target::given) targets_ = train.targets.contiguous();
  }

  void take(std::span<const int64_t> rows, const NoisePlace& place) override {
    torch::NoGradGuard no_grad;
    const auto size = static_cast<int64_t>(rows.size());
    auto found = batches_.find(size);
    if (found == batches_.end()) found = batches_.emplace(size, make_batch(size)).first;
    auto& batch = found->second;
    gather(rows, place, batch);
    forward(batch);
    loss_ += loss_and_delta(size, batch);
    ++steps_;
    backward(size, batch);
  }

  std::optional<std::vector<double>> means(const Dataset& data) override {
    torch::NoGradGuard no_grad;
    constexpr int64_t most_rows = 512;
    const int64_t size = std::min(most_rows, data.size());
    auto found = evaluated_.find(size);
    if (found == evaluated_.end()) found = evaluated_.emplace(size, make_chunk(size)).first;
    auto& chunk = found->second;
    const auto& metrics = problem_.objective.metrics;
    std::vector<double> sums(metrics.size(), 0.0);
    std::vector<int64_t> rows(static_cast<size_t>(size));
    const auto inputs = data.inputs.contiguous();
    for (int64_t begin = 0; begin < data.size(); begin += size) {
      const int64_t count = std::min(size, data.size() - begin);
      std::iota(rows.begin(), rows.end(), begin);
      // Behind the last row the chunk holds what it held before, which nobody looks at.
      gather(inputs, std::span(rows).first(static_cast<size_t>(count)), chunk.clean);
      forward(chunk);
      add_metrics(data, begin, count, chunk, sums);
    }
    for (auto& sum : sums) sum /= static_cast<double>(data.size());
    return sums;
  }

  double take_loss() override { return std::exchange(loss_, 0.0); }

  void scale_learning_rate(double factor) override {
    set_learning_rate(options_.optimizer, learning_rate_ * factor);
  }

  void weights_changed() override {
    for (auto& layer : layers_) layer.round();
  }

  std::string details() const override {
    return fmt::format("{} on {}, {}", bf16_ ? "bf16" : "fp32",
                       name_of(multiplier_of(bf16_, multiplier_)), processor_choices().simd);
  }

 private:
  Batch make_batch(int64_t size) const {
    Batch batch;
    const int64_t in = layers_.front().shape.in_features;
    const bool corrupted = problem_.corruption.has_value();
    batch.clean = make_matrix(size, in, bf16_ && !corrupted);
    batch.input = corrupted ? make_matrix(size, in, bf16_) : batch.clean;
    if (problem_.target == Target::features) {
      batch.target = batch.clean.values;
    } else if (classifies()) {
      batch.labels.resize(static_cast<size_t>(size));
    } else {
      batch.target = torch::empty({size, layers_.back().shape.out_features});
    }
    const Matrix* input = &batch.input;
    batch.layers.resize(layers_.size());
    for (size_t l = 0; l < layers_.size(); ++l) {
      const auto& layer = layers_[l];
      auto& buffers = batch.layers[l];
      const bool last = l + 1 == layers_.size();
      buffers.output = make_matrix(size, layer.shape.out_features, bf16_);
      buffers.delta = last ? buffers.output : make_matrix(size, layer.shape.out_features, bf16_);
      const auto product = [&](const torch::Tensor& a, const torch::Tensor& b,
                               const torch::Tensor& c) {
        return make_product(a, b, c, multiplier_of(bf16_, multiplier_));
      };
      const auto& weight = layer.weight.factor();
      const auto& delta = buffers.delta.factor();
      buffers.forward = product(input->factor(), weight.t(), buffers.output.values);
      buffers.gradient = product(delta.t(), input->factor(), layer.weight_gradient());
      if (l > 0) buffers.backward = product(delta, weight, batch.layers[l - 1].delta.values);
      input = &buffers.output;
    }
    return batch;
  }

  /// The buffers to evaluate this number of rows at once, in float32 throughout.
  Batch make_chunk(int64_t size) const {
    Batch chunk;
    chunk.clean = {torch::zeros({size, layers_.front().shape.in_features}), {}};
    chunk.input = chunk.clean;
    torch::Tensor input = chunk.input.values;
    for (const auto& layer : layers_) {
      auto& buffers = chunk.layers.emplace_back();
      buffers.output = make_matrix(size, layer.shape.out_features, false);
      buffers.forward =
          make_product(input, layer.weight.values.t(), buffers.output.values, multiplier_);
      input = buffers.output.values;
    }
    return chunk;
  }

  /// Adds each metric of `count` rows, times `count`, to its sum.
  void add_metrics(const Dataset& data, int64_t begin, int64_t count, const Batch& chunk,
                   std::vector<double>& sums) const {
    const auto& metrics = problem_.objective.metrics;
    const auto output = chunk.layers.back().output.values.narrow(0, 0, count);
    Pass pass;
    pass.output = output;
    pass.target = problem_.target == Target::features
                      ? chunk.clean.values.narrow(0, 0, count)
                      : values_of(data.targets.narrow(0, begin, count));
    const auto rows = static_cast<double>(count);
    for (size_t i = 0; i < metrics.size(); ++i) {
      sums[i] += metrics[i].formula == Formula::squared_error
                     ? dense_kernels::squared_error(output.data_ptr<float>(),
                                                    pass.target.data_ptr<float>(), output.numel()) /
                           static_cast<double>(output.size(1))
                     : metrics[i].mean(pass).item<double>() * rows;
    }
  }

  bool classifies() const { return problem_.objective.loss().formula == Formula::cross_entropy; }

  void gather(std::span<const int64_t> rows, const NoisePlace& place, Batch& batch) const {
    const auto count = static_cast<int64_t>(rows.size());
    gather(inputs_, rows, batch.clean);
    if (problem_.corruption) {
      const auto given = problem_.corruption->apply(batch.clean.values, place).input;
      batch.input.values.copy_(given);
      if (bf16_)
        dense_kernels::round_to_bf16(batch.input.data(), given.numel(), batch.input.bf16());
    }
    if (!targets_.defined()) return;
    if (!classifies()) return gather(targets_, rows, {batch.target, {}});
    const auto* labels = targets_.data_ptr<int64_t>();
    for (int64_t i = 0; i < count; ++i)
      batch.labels[static_cast<size_t>(i)] = labels[rows[static_cast<size_t>(i)]];
  }

  static void gather(const torch::Tensor& from, std::span<const int64_t> rows, const Matrix& to) {
    const auto count = static_cast<int64_t>(rows.size());
    if (from.scalar_type() == torch::kUInt8) {
      dense_kernels::gather_bytes(from.data_ptr<uint8_t>(), from.size(1), rows.data(), count,
                                  to.data(), to.bf16());
    } else {
      dense_kernels::gather_floats(from.data_ptr<float>(), from.size(1), rows.data(), count,
                                   to.data(), to.bf16());
    }
  }

  void forward(Batch& batch) const {
    for (size_t l = 0; l < layers_.size(); ++l) {
      const auto& layer = layers_[l];
      auto& buffers = batch.layers[l];
      buffers.forward->run();
      const bool last = l + 1 == layers_.size();
      dense_kernels::add_bias_and_activate(
          buffers.output.data(), layer.bias.data_ptr<float>(), buffers.output.values.size(0),
          layer.shape.out_features, layer.shape.activation, last ? nullptr : buffers.output.bf16());
    }
  }

  double loss_and_delta(int64_t rows, Batch& batch) const {
    const auto& layer = layers_.back();
    const auto& output = batch.layers.back().output;
    const int64_t columns = layer.shape.out_features;
    const auto of_rows = static_cast<double>(rows);
    const auto of_columns = static_cast<double>(columns);
    const auto scale = static_cast<float>(1 / (of_rows * of_columns));
    const auto loss = problem_.objective.loss().formula;
    switch (loss) {
      case Formula::cross_entropy:
        return dense_kernels::cross_entropy(
            output.data(), batch.labels.data(), rows, columns, layer.shape.activation,
            static_cast<float>(1.0 / of_rows), layer.bias_gradient(), output.bf16());
      case Formula::squared_error:
        return dense_kernels::squared_error(output.data(), batch.target.data_ptr<float>(), rows,
                                            columns, layer.shape.activation, scale,
                                            layer.bias_gradient(), output.bf16()) /
               of_columns;
      case Formula::binary_cross_entropy:
        return dense_kernels::binary_cross_entropy(output.data(), batch.target.data_ptr<float>(),
                                                   rows, columns, scale, layer.bias_gradient(),
                                                   output.bf16()) /
               of_columns;
      default:
        refuse_loss();
    }
  }

  void backward(int64_t rows, Batch& batch) {
    for (size_t l = layers_.size(); l > 0; --l) {
      auto& buffers = batch.layers[l - 1];
      if (l > 1) buffers.backward->run();
      buffers.gradient->run();
      update(layers_[l - 1]);
      if (l == 1) break;
      const auto& below = layers_[l - 2];
      const auto& under = batch.layers[l - 2];
      dense_kernels::through_activation(under.delta.data(), under.output.data(), rows,
                                        below.shape.out_features, below.shape.activation,
                                        below.bias_gradient(), under.delta.bf16());
    }
  }

  void update(TrainedLayer& layer) const {
    const auto part = [&](float* values, int64_t offset, int64_t begin, int64_t end, double decay,
                          uint16_t* rounded) {
      const int64_t count = end - begin;
      const int64_t place = offset + begin;
      const auto* gradient = layer.gradient.data_ptr<float>() + place;
      float* first = layer.first.data_ptr<float>() + place;
      uint16_t* bf16 = rounded != nullptr ? rounded + begin : nullptr;
      if (const auto* adam = std::get_if<Adam>(&options_.optimizer)) {
        float* second = layer.second.data_ptr<float>() + place;
        dense_kernels::update(*adam, steps_, values + begin, gradient, first, second, count, decay,
                              bf16);
      } else {
        dense_kernels::update(std::get<Sgd>(options_.optimizer), values + begin, gradient, first,
                              count, decay, bf16);
      }
    };
    constexpr int64_t worth_a_thread = 1 << 15;
    at::parallel_for(0, layer.weights(), worth_a_thread, [&](int64_t begin, int64_t end) {
      part(layer.weight.data(), 0, begin, end, options_.l2, layer.weight.bf16());
    });
    part(layer.bias.data_ptr<float>(), layer.weights(), 0, layer.shape.out_features, 0, nullptr);
  }

  Problem problem_;
  FitOptions options_;
  double learning_rate_;  ///< without the factor of the schedule
  torch::Tensor inputs_;
  torch::Tensor targets_;
  bool bf16_;
  Multiplier multiplier_;
  std::vector<TrainedLayer> layers_;
  std::map<int64_t, Batch> batches_;
  std::map<int64_t, Batch> evaluated_;
  int64_t steps_ = 0;
  double loss_ = 0;
};

}  // namespace

std::unique_ptr<DenseStep> make_cpu_step(std::vector<Dense> layers, const Problem& problem,
                                         const Dataset& train, const FitOptions& options) {
  return std::make_unique<CpuStep>(layers, problem, train, options);
}

}  // namespace layerwise
