/// The dense engine's step by LibTorch's operations, for CUDA: the same mathematics as
/// dense_cpu_step.cpp, on any device.
///
/// Nothing here reads a number from the device or depends on one from the host: row numbers are an
/// index on the device, Adam's counter and the sum of the losses stay on the device, and every
/// tensor stays at its address. So on CUDA the operations of a step can be captured in a graph and
/// replayed with a single call. The first steps with a batch size run their operations one by one,
/// on the stream of the capture, because libraries allocate their workspaces then.
#include <cmath>
#include <map>
#include <optional>
#include <stdexcept>
#include <utility>
#include <variant>

#include <ATen/Functions.h>
#include <fmt/format.h>
#include <torch/utils.h>

#include "layerwise/engines/dense_step.h"
#include "layerwise/engines/kernels.h"

#ifdef LAYERWISE_CUDA
#include <ATen/cuda/CUDAContext.h>
#include <ATen/cuda/CUDAEvent.h>
#include <ATen/cuda/CUDAGraph.h>
#include <c10/cuda/CUDAGuard.h>
#endif

namespace layerwise {

namespace {

void activate_in_place(torch::Tensor& sums, Activation activation) {
  switch (activation) {
    case Activation::linear:
      return;
    case Activation::relu:
      at::relu_(sums);
      return;
    case Activation::leaky_relu:
      at::leaky_relu_(sums, leaky_relu_slope);
      return;
    case Activation::elu:
      at::elu_(sums);
      return;
    case Activation::selu:
      at::selu_(sums);
      return;
    case Activation::tanh:
      at::tanh_(sums);
      return;
    case Activation::sigmoid:
      at::sigmoid_(sums);
      return;
  }
  refuse_activation();
}

/// delta *= the derivative of the activation, computed from its output y.
void through_activation(torch::Tensor& delta, const torch::Tensor& y, Activation activation) {
  switch (activation) {
    case Activation::linear:
      return;
    case Activation::relu:
      at::threshold_backward_out(delta, delta, y, 0);
      return;
    case Activation::leaky_relu:
      at::leaky_relu_backward_out(delta, delta, y, leaky_relu_slope, true);
      return;
    case Activation::elu:
      at::elu_backward_out(delta, delta, 1, 1, 1, true, y);
      return;
    case Activation::selu:
      at::elu_backward_out(delta, delta, selu_alpha, selu_scale, 1, true, y);
      return;
    case Activation::tanh:
      at::tanh_backward_out(delta, delta, y);
      return;
    case Activation::sigmoid:
      at::sigmoid_backward_out(delta, delta, y);
      return;
  }
  refuse_activation();
}

struct TrainedLayer {
  TrainedLayer(const Dense& layer, bool adam)
      : activation(layer->options.activation),
        tensors{layer->weight.detach(), layer->bias.detach()} {
    for (const auto& tensor : tensors) {
      gradients.push_back(torch::empty_like(tensor));
      rooms.push_back(torch::empty_like(tensor));
      first.push_back(torch::zeros_like(tensor));
      second.push_back(adam ? torch::zeros_like(tensor) : torch::Tensor());
    }
  }

  Activation activation;
  std::vector<torch::Tensor> tensors;  ///< weight and bias, as in the vectors below
  std::vector<torch::Tensor> gradients;
  std::vector<torch::Tensor> rooms;
  std::vector<torch::Tensor> first;
  std::vector<torch::Tensor> second;
};

#ifdef LAYERWISE_CUDA
/// The operations of a step, which are captured after they have run a few times.
class Captured {
 public:
  template <typename Operations>
  void run(const Operations& operations) {
    constexpr int warm_up = 3;
    if (!stream_) stream_ = c10::cuda::getStreamFromPool();
    if (captured_) return graph_.replay();
    const auto outer = c10::cuda::getCurrentCUDAStream();
    wait(outer, *stream_);
    {
      const c10::cuda::CUDAStreamGuard guard(*stream_);
      if (runs_++ < warm_up) {
        operations();
      } else {
        graph_.capture_begin();
        operations();
        graph_.capture_end();
        captured_ = true;
      }
    }
    wait(*stream_, outer);
    if (captured_) graph_.replay();
  }

 private:
  static void wait(const c10::cuda::CUDAStream& before, const c10::cuda::CUDAStream& after) {
    at::cuda::CUDAEvent event;
    event.record(before);
    event.block(after);
  }

  std::optional<c10::cuda::CUDAStream> stream_;
  at::cuda::CUDAGraph graph_;
  int runs_ = 0;
  bool captured_ = false;
};
#endif

/// The tensors for batches of one size.
struct Batch {
  torch::Tensor rows;          ///< [batch] int64
  torch::Tensor bytes;         ///< [batch, in], where inputs are bytes
  torch::Tensor clean;         ///< [batch, in]
  torch::Tensor input;         ///< the same tensor, unless it is corrupted
  torch::Tensor target;        ///< [batch, out], or [batch] labels
  torch::Tensor target_bytes;  ///< the same values, where targets are bytes
  std::vector<torch::Tensor> outputs;
  std::vector<torch::Tensor> deltas;
#ifdef LAYERWISE_CUDA
  Captured captured;
#endif
};

class DeviceStep : public DenseStep {
 public:
  DeviceStep(const std::vector<Dense>& layers, const Problem& problem, const Dataset& train,
             const FitOptions& options)
      : problem_(problem), options_(options), train_(train) {
    const auto* adam = std::get_if<Adam>(&options.optimizer);
    for (const auto& layer : layers) layers_.emplace_back(layer, adam != nullptr);
    const auto on_device = torch::dtype(torch::kFloat64).device(train.inputs.device());
    loss_ = torch::zeros({}, on_device);
    step_ =
        torch::full({}, adam != nullptr ? static_cast<double>(adam->steps_before) : 0.0, on_device);
  }

  void take(std::span<const int64_t> rows, const NoisePlace& place) override {
    torch::NoGradGuard no_grad;
    auto& batch = batch_of(static_cast<int64_t>(rows.size()));
    batch.rows.copy_(
        torch::from_blob(const_cast<int64_t*>(rows.data()), {batch.rows.size(0)}, torch::kInt64));
    if (problem_.corruption) {  // its noise is computed on the host
      gather(batch);
      batch.input.copy_(problem_.corruption->apply(batch.clean, place).input);
    }
    const auto operations = [&] {
      if (!problem_.corruption) gather(batch);
      compute(batch);
    };
#ifdef LAYERWISE_CUDA
    if (train_.inputs.is_cuda()) return batch.captured.run(operations);
#endif
    operations();
  }

  double take_loss() override {
    const double sum = loss_.item<double>();
    loss_.zero_();
    return sum;
  }

  std::string details() const override {
#ifdef LAYERWISE_CUDA
    if (train_.inputs.is_cuda()) return "fp32, CUDA graph";
#endif
    return "fp32, LibTorch's operations";
  }

 private:
  bool classifies() const {
    return problem_.objective.loss().formula == Formula::cross_entropy;
  }

  Batch& batch_of(int64_t size) {
    auto& batch = batches_[size];
    if (batch.rows.defined()) return batch;
    const auto numbers = torch::dtype(torch::kFloat32).device(train_.inputs.device());
    const auto& inputs = train_.inputs;
    batch.rows = torch::empty({size}, numbers.dtype(torch::kInt64));
    batch.clean = torch::empty({size, inputs.size(1)}, numbers);
    if (inputs.scalar_type() == torch::kUInt8)
      batch.bytes = torch::empty({size, inputs.size(1)}, inputs.options());
    batch.input = problem_.corruption ? torch::empty_like(batch.clean) : batch.clean;
    for (const auto& layer : layers_) {
      batch.outputs.push_back(torch::empty({size, layer.tensors[0].size(0)}, numbers));
      batch.deltas.push_back(torch::empty_like(batch.outputs.back()));
    }
    if (problem_.target == Target::features) {
      batch.target = batch.clean;
    } else {
      auto shape = train_.targets.sizes().vec();
      shape[0] = size;
      const bool bytes = train_.targets.scalar_type() == torch::kUInt8;
      if (bytes) batch.target_bytes = torch::empty(shape, train_.targets.options());
      batch.target = torch::empty(shape, bytes ? numbers : train_.targets.options());
    }
    return batch;
  }

  void gather(Batch& batch) const {
    gather(train_.inputs, batch.rows, batch.bytes, batch.clean);
    if (problem_.target == Target::given)
      gather(train_.targets, batch.rows, batch.target_bytes, batch.target);
  }

  static void gather(const torch::Tensor& from, const torch::Tensor& rows, torch::Tensor& bytes,
                     torch::Tensor& to) {
    if (bytes.defined()) {
      at::index_select_out(bytes, from, 0, rows);
      to.copy_(bytes).div_(255);
    } else {
      at::index_select_out(to, from, 0, rows);
    }
  }

  void compute(Batch& batch) {
    auto input = batch.input;
    for (size_t l = 0; l < layers_.size(); ++l) {
      auto& output = batch.outputs[l];
      at::addmm_out(output, layers_[l].tensors[1], input, layers_[l].tensors[0].t());
      activate_in_place(output, layers_[l].activation);
      input = output;
    }
    loss_and_delta(batch);
    step_.add_(1);
    for (size_t l = layers_.size(); l > 0; --l) {
      auto& layer = layers_[l - 1];
      auto& delta = batch.deltas[l - 1];
      through_activation(delta, batch.outputs[l - 1], layer.activation);
      if (l > 1) at::mm_out(batch.deltas[l - 2], delta, layer.tensors[0]);
      at::mm_out(layer.gradients[0], delta.t(), l > 1 ? batch.outputs[l - 2] : batch.input);
      at::sum_out(layer.gradients[1], delta, 0);
      update(layer);
    }
  }

  /// The last delta becomes the gradient with respect to the outputs. For binary cross-entropy of a
  /// sigmoid, multiplying it by the sigmoid's derivative gives the gradient with respect to the
  /// sums.
  void loss_and_delta(Batch& batch) {
    const auto& output = batch.outputs.back();
    auto& delta = batch.deltas.back();
    const auto rows = static_cast<double>(output.size(0));
    const auto columns = static_cast<double>(output.size(1));
    const auto loss = problem_.objective.loss().formula;
    switch (loss) {
      case Formula::cross_entropy: {
        const auto labels = batch.target.unsqueeze(1);
        at::log_softmax_out(delta, output, 1);
        loss_.sub_(delta.gather(1, labels).sum());
        delta.exp_();
        delta.scatter_add_(1, labels, at::full({}, -1.0, delta.options()).expand_as(labels));
        delta.div_(rows);
        return;
      }
      case Formula::squared_error:
        at::sub_out(delta, output, batch.target);
        loss_.add_(delta.square().sum(), 1 / columns);
        delta.mul_(2 / (rows * columns));
        return;
      case Formula::binary_cross_entropy: {
        at::sub_out(delta, output, batch.target);
        const auto entropies =
            at::binary_cross_entropy(output.nan_to_num(0.5), batch.target, {}, at::Reduction::Sum);
        loss_.add_(entropies + output.mul(0).sum(), 1 / columns);
        delta.div_(output.mul(1 - output).clamp_min_(1e-12)).div_(rows * columns);
        return;
      }
      default:
        refuse_loss();
    }
  }

  void update(TrainedLayer& layer) {
    for (size_t i = 0; i < layer.tensors.size(); ++i) {
      auto& w = layer.tensors[i];
      auto& gradient = layer.gradients[i];
      auto& room = layer.rooms[i];
      auto& first = layer.first[i];
      if (i == 0 && options_.l2 > 0) gradient.add_(w, options_.l2);
      if (const auto* adam = std::get_if<Adam>(&options_.optimizer)) {
        auto& second = layer.second[i];
        const auto correction1 = 1 - at::pow(adam->beta1, step_);
        const auto correction2 = 1 - at::pow(adam->beta2, step_);
        first.mul_(adam->beta1).add_(gradient, 1 - adam->beta1);
        second.mul_(adam->beta2).addcmul_(gradient, gradient, 1 - adam->beta2);
        at::sqrt_out(room, second);
        room.div_(correction2.sqrt_()).add_(adam->epsilon);
        at::div_out(room, first, room);
        w.sub_(room.mul_(adam->learning_rate / correction1));
        continue;
      }
      const auto& sgd = std::get<Sgd>(options_.optimizer);
      first.mul_(sgd.momentum).add_(gradient);
      if (sgd.nesterov) gradient.add_(first, sgd.momentum);
      w.sub_(sgd.nesterov ? gradient : first, sgd.learning_rate);
    }
  }

  Problem problem_;
  FitOptions options_;
  Dataset train_;
  std::vector<TrainedLayer> layers_;
  std::map<int64_t, Batch> batches_;
  torch::Tensor loss_;
  torch::Tensor step_;
};

}  // namespace

std::unique_ptr<DenseStep> make_device_step(std::vector<Dense> layers, const Problem& problem,
                                            const Dataset& train, const FitOptions& options) {
  return std::make_unique<DeviceStep>(layers, problem, train, options);
}

}  // namespace layerwise
