/// The dense engine's step on CUDA: the same mathematics as dense_cpu_step.cpp, as a graph.
///
///     gather    the batch's rows of the order, corrupted      kernel
///     forward   Y = X W^T                                     product of cuBLAS
///               Y = activation(Y + b)                         kernel
///     loss      D = dL/d(sums)                                kernel, with the last activation
///     backward  dX = D W, dW = D^T X                          products
///               D = dX * activation'                          kernel
///               W, b <- optimizer                             kernel, with b's gradient
///
/// What belongs to a layer's own weights (dW, optimizer) runs beside what goes on to the layer
/// below. The order of an epoch's rows is uploaded once. No step reads a number from the device or
/// depends on one from the host: position, Adam's counter, noise and the sum of the losses are the
/// device's, and every tensor stays at its address. So the operations of a step are captured in a
/// graph and replayed with a single call. The first steps with a batch size run their operations
/// one by one, on the stream of the capture, because cuBLAS allocates its workspace then.
///
/// On the CPU, where tests run it, the same kernels are loops and LibTorch multiplies.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <map>
#include <optional>
#include <stdexcept>
#include <utility>
#include <variant>

#include <ATen/Functions.h>
#include <fmt/format.h>
#include <torch/utils.h>

#include "layerwise/engines/dense_step.h"
#include "layerwise/engines/device_kernels.h"
#include "layerwise/engines/kernels.h"
#include "layerwise/upload.h"

#ifdef LAYERWISE_CUDA
#include <ATen/cuda/CUDAContext.h>
#include <ATen/cuda/CUDAEvent.h>
#include <ATen/cuda/CUDAGraph.h>
#include <c10/cuda/CUDAGuard.h>
#endif

namespace layerwise {

namespace {

namespace kernels = device_kernels;

uint16_t* bits_of(const torch::Tensor& bf16) {
  return bf16.defined() ? static_cast<uint16_t*>(bf16.data_ptr()) : nullptr;
}

/// Whether a tensor's memory starts where four floats can be read at once, as LibTorch's always
/// does.
bool aligned(const torch::Tensor& tensor) {
  return reinterpret_cast<std::uintptr_t>(tensor.data_ptr()) % sizeof(kernels::Four) == 0;
}

/// A matrix, and with bf16 its rounded copy, which the products read.
struct Matrix {
  torch::Tensor values;
  torch::Tensor rounded;

  float* data() const { return values.data_ptr<float>(); }
  uint16_t* bf16() const { return bits_of(rounded); }
};

Matrix matrix_like(const torch::Tensor& values, Precision precision) {
  return {values, precision == Precision::bf16 ? torch::empty_like(values, torch::kBFloat16)
                                               : torch::Tensor()};
}

Matrix make_matrix(int64_t rows, int64_t columns, Precision precision, torch::Device device) {
  return matrix_like(torch::empty({rows, columns}, torch::device(device)), precision);
}

/// A factor of a product: a matrix as it is, or transposed.
struct Factor {
  const Matrix& matrix;
  bool transposed = false;

  const torch::Tensor& tensor() const {
    return matrix.rounded.defined() ? matrix.rounded : matrix.values;
  }
  torch::Tensor view() const { return transposed ? tensor().t() : tensor(); }
};

Factor transposed(const Matrix& matrix) {
  return {matrix, true};
}

#ifdef LAYERWISE_CUDA
/// c = a b, for cuBLAS, which takes matrices by columns: it computes c^T = b^T a^T.
void multiply_on_cuda(const Factor& a, const Factor& b, torch::Tensor& c, Precision precision) {
  const float one = 1;
  const float zero = 0;
  const auto type = precision == Precision::bf16 ? CUDA_R_16BF : CUDA_R_32F;
  const auto compute =
      precision == Precision::tf32 ? CUBLAS_COMPUTE_32F_FAST_TF32 : CUBLAS_COMPUTE_32F;
  const auto operation = [](const Factor& factor) {
    return factor.transposed ? CUBLAS_OP_T : CUBLAS_OP_N;
  };
  const auto columns = [](const torch::Tensor& tensor) { return static_cast<int>(tensor.size(1)); };
  const auto inner = static_cast<int>(a.view().size(1));
  const auto status =
      cublasGemmEx(at::cuda::getCurrentCUDABlasHandle(), operation(b), operation(a), columns(c),
                   static_cast<int>(c.size(0)), inner, &one, b.tensor().data_ptr(), type,
                   columns(b.tensor()), a.tensor().data_ptr(), type, columns(a.tensor()), &zero,
                   c.data_ptr(), CUDA_R_32F, columns(c), compute, CUBLAS_GEMM_DEFAULT);
  if (status != CUBLAS_STATUS_SUCCESS)
    throw std::runtime_error(fmt::format("cuBLAS: {}", cublasGetStatusString(status)));
}

/// The stream `after` waits until `before` has done what it was given so far.
void wait(const c10::cuda::CUDAStream& before, const c10::cuda::CUDAStream& after) {
  at::cuda::CUDAEvent event;
  event.record(before);
  event.block(after);
}

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
  std::optional<c10::cuda::CUDAStream> stream_;
  at::cuda::CUDAGraph graph_;
  int runs_ = 0;
  bool captured_ = false;
};
#endif

/// A layer's tensors, which are those of the block, with their gradients and the optimizer's
/// moments: of the weights, then of the biases.
struct TrainedLayer {
  TrainedLayer(const Dense& layer, Precision precision, bool adam)
      : activation(layer->options.activation),
        weight(matrix_like(layer->weight.detach(), precision)),
        bias(layer->bias.detach()),
        gradient(torch::empty_like(weight.values)),
        first(torch::zeros({weight.values.numel() + bias.numel()}, bias.options())),
        second(adam ? torch::zeros_like(first) : torch::Tensor()) {}

  int64_t width() const { return bias.numel(); }

  Activation activation;
  Matrix weight;
  torch::Tensor bias;
  torch::Tensor gradient;
  torch::Tensor first;
  torch::Tensor second;
};

/// The tensors for batches of one size.
struct Batch {
  int64_t rows = 0;
  Matrix clean;          ///< [rows, in]
  Matrix input;          ///< the same, unless it is corrupted
  torch::Tensor target;  ///< [rows, out]
  torch::Tensor labels;  ///< [rows], instead of `target`
  std::vector<Matrix> outputs;
  std::vector<Matrix> deltas;  ///< the last is the last output
#ifdef LAYERWISE_CUDA
  Captured captured;
#endif
};

class DeviceStep : public DenseStep {
 public:
  DeviceStep(const std::vector<Dense>& layers, const Problem& problem, const Dataset& train,
             const FitOptions& options)
      : problem_(problem),
        options_(options),
        precision_(options.engine.precision),
        device_(train.inputs.device()),
        inputs_(train.inputs.contiguous()),
        sums_(torch::zeros({kernels::most_threads}, torch::dtype(torch::kFloat64).device(device_))),
        clock_(torch::zeros({sizeof(kernels::Clock)}, torch::dtype(torch::kUInt8).device(device_))),
        order_(torch::empty({train.size()}, torch::dtype(torch::kInt64).device(device_))) {
    if (problem.target == Target::given) targets_ = train.targets.contiguous();
    const auto* adam = std::get_if<Adam>(&options.optimizer);
    for (const auto& layer : layers) layers_.emplace_back(layer, precision_, adam != nullptr);
    weights_changed();
    scale_learning_rate(1);
  }

  void begin(std::span<const int64_t> rows) override {
    const auto count = static_cast<int64_t>(rows.size());
    if (count > order_.size(0)) {
      batches_.clear();  // the graphs read the order where it was
      order_ = torch::empty({count}, order_.options());
    }
    const auto from = torch::from_blob(const_cast<int64_t*>(rows.data()), {count}, torch::kInt64);
    order_.narrow(0, 0, count).copy_(upload(from, device_));
    clock_.narrow(0, offsetof(kernels::Clock, position), sizeof(int64_t)).zero_();
  }

  void take(std::span<const int64_t> rows, const NoisePlace& place) override {
    torch::NoGradGuard no_grad;
    auto& batch = batch_of(static_cast<int64_t>(rows.size()));
    const bool noise_of_the_host =
        problem_.corruption && problem_.corruption->kind == NoiseKind::other;
    if (noise_of_the_host) {
      gather(batch);
      batch.input.values.copy_(problem_.corruption->apply(batch.clean.values, place).input);
      round(batch.input);
    }
    const auto operations = [&] {
      if (!noise_of_the_host) gather(batch);
      compute(batch);
    };
#ifdef LAYERWISE_CUDA
    if (device_.is_cuda()) return batch.captured.run(operations);
#endif
    operations();
  }

  double take_loss() override {
    const double sum = sums_.sum().item<double>();
    sums_.zero_();
    return sum;
  }

  void weights_changed() override {
    for (const auto& layer : layers_) round(layer.weight);
  }

  void scale_learning_rate(double factor) override {
    clock_.narrow(0, offsetof(kernels::Clock, factor), sizeof(float))
        .view(torch::kFloat32)
        .fill_(factor);
  }

  std::string details() const override {
    return fmt::format("{}, {}", name_of(precision_),
                       device_.is_cuda() ? "CUDA graph" : "the kernels for CUDA, as loops");
  }

 private:
  Batch& batch_of(int64_t size) {
    auto& batch = batches_[size];
    if (batch.rows > 0) return batch;
    for (const auto& layer : layers_) require_32_bits(size, layer.weight.values);
    batch.rows = size;
    const auto matrix = [&](int64_t columns, Precision precision) {
      return make_matrix(size, columns, precision, device_);
    };
    const auto in = inputs_.size(1);
    batch.clean = matrix(in, problem_.corruption ? Precision::fp32 : precision_);
    batch.input = problem_.corruption ? matrix(in, precision_) : batch.clean;
    for (const auto& layer : layers_) {
      batch.outputs.push_back(matrix(layer.width(), precision_));
      batch.deltas.push_back(&layer == &layers_.back() ? batch.outputs.back()
                                                       : matrix(layer.width(), precision_));
    }
    if (problem_.target == Target::features) {
      batch.target = batch.clean.values;
    } else if (classifies()) {
      batch.labels = torch::empty({size}, targets_.options());
    } else {
      batch.target = torch::empty({size, targets_.size(1)}, batch.clean.values.options());
    }
    return batch;
  }

  /// The kernels find an entry's row and column in 32 bits.
  static void require_32_bits(int64_t rows, const torch::Tensor& weight) {
    const auto widest = std::max(weight.size(0), weight.size(1));
    if (rows > std::numeric_limits<uint32_t>::max() / widest)
      throw std::invalid_argument(
          fmt::format("a batch of {} rows of {} is too large", rows, widest));
  }

  bool classifies() const {
    return problem_.objective.loss().formula == Formula::cross_entropy;
  }

  kernels::Clock* clock() const {
    return static_cast<kernels::Clock*>(clock_.data_ptr());
  }

  template <typename Kernel>
  void run(const Kernel& kernel) const {
#ifdef LAYERWISE_CUDA
    if (device_.is_cuda())
      return kernels::run_on_cuda(kernel, c10::cuda::getCurrentCUDAStream().stream());
#endif
    kernels::run_on_cpu(kernel);
  }

  void round(const Matrix& matrix) const {
    if (matrix.rounded.defined())
      run(kernels::Round{matrix.data(), matrix.values.numel(), matrix.bf16()});
  }

  void multiply(const Factor& a, const Factor& b, torch::Tensor c) const {
#ifdef LAYERWISE_CUDA
    if (device_.is_cuda()) return multiply_on_cuda(a, b, c, precision_);
#endif
    if (precision_ == Precision::bf16) {
      c.copy_(at::mm(a.view().to(torch::kFloat32), b.view().to(torch::kFloat32)));
    } else {
      at::mm_out(c, a.view(), b.view());
    }
  }

  void gather(const Batch& batch) const {
    auto rows = gathered(inputs_, batch.rows, batch.clean.data());
    rows.input = batch.input.data();
    rows.bf16 = batch.input.bf16();
    if (problem_.corruption) {
      rows.noise = problem_.corruption->kind;
      rows.amount = problem_.corruption->amount;
      rows.seed = problem_.noise.seed;
      rows.repeat = problem_.noise.repeat;
      rows.stage = problem_.stage;
    }
    run(rows);
    if (batch.labels.defined()) {
      run(kernels::GatherLabels{targets_.data_ptr<int64_t>(), order_.data_ptr<int64_t>(), clock(),
                                batch.rows, batch.labels.data_ptr<int64_t>()});
    } else if (problem_.target == Target::given) {
      run(gathered(targets_, batch.rows, batch.target.data_ptr<float>()));
    }
  }

  /// The kernel that gathers a batch's rows of a tensor.
  kernels::Gather gathered(const torch::Tensor& from, int64_t rows, float* to) const {
    const bool bytes = from.scalar_type() == torch::kUInt8;
    return {.floats = bytes ? nullptr : from.data_ptr<float>(),
            .bytes = bytes ? from.data_ptr<uint8_t>() : nullptr,
            .order = order_.data_ptr<int64_t>(),
            .clock = clock(),
            .rows = rows,
            .columns = from.size(1),
            .noise = NoiseKind::other,
            .amount = 0,
            .seed = 0,
            .repeat = 0,
            .stage = 0,
            .clean = to,
            .input = to,
            .bf16 = nullptr,
            .aligned = !bytes && from.size(1) % 4 == 0 && aligned(from)};
  }

  kernels::Tick tick(int64_t rows) const {
    kernels::Tick tick{clock(), rows, 0, 0, 0, 0};
    if (const auto* adam = std::get_if<Adam>(&options_.optimizer)) {
      tick.steps_before = adam->steps_before;
      tick.learning_rate = adam->learning_rate;
      tick.beta1 = adam->beta1;
      tick.beta2 = adam->beta2;
    }
    return tick;
  }

  void compute(const Batch& batch) const {
    beside([&] { run(tick(batch.rows)); });
    const auto last = layers_.size() - 1;
    for (size_t l = 0; l <= last; ++l) {
      const auto& output = batch.outputs[l];
      multiply({input_of(batch, l)}, transposed(layers_[l].weight), output.values);
      if (l < last) {
        run(kernels::Activate{output.data(), layers_[l].bias.data_ptr<float>(), batch.rows,
                              layers_[l].width(), layers_[l].activation, output.bf16()});
      }
    }
    loss_and_delta(batch);
    for (size_t l = last + 1; l-- > 0;) {
      const auto& layer = layers_[l];
      const auto& delta = batch.deltas[l];
      beside([&] { multiply(transposed(delta), {input_of(batch, l)}, layer.gradient); });
      if (l > 0) multiply({delta}, {layer.weight}, batch.deltas[l - 1].values);
      beside([&] { update(layer, delta, batch.rows); });  // behind the product with the weights
      if (l > 0) {
        const auto& below = batch.deltas[l - 1];
        run(kernels::ThroughActivation{below.data(), batch.outputs[l - 1].data(),
                                       below.values.numel(), layers_[l - 1].activation,
                                       below.bf16()});
      }
    }
    join();
  }

  /// Runs operations after all that were given before, but not before those given later, until
  /// `join`: small products leave most of a GPU idle.
  template <typename Operations>
  void beside(const Operations& operations) const {
#ifdef LAYERWISE_CUDA
    if (device_.is_cuda()) {
      if (!side_) side_ = c10::cuda::getStreamFromPool();
      wait(c10::cuda::getCurrentCUDAStream(), *side_);
      const c10::cuda::CUDAStreamGuard guard(*side_);
      return operations();
    }
#endif
    operations();
  }

  void join() const {
#ifdef LAYERWISE_CUDA
    if (side_) wait(*side_, c10::cuda::getCurrentCUDAStream());
#endif
  }

  static const Matrix& input_of(const Batch& batch, size_t layer) {
    return layer == 0 ? batch.input : batch.outputs[layer - 1];
  }

  void loss_and_delta(const Batch& batch) const {
    const auto& layer = layers_.back();
    const auto& output = batch.outputs.back();
    const kernels::Losses losses{output.data(),
                                 layer.bias.data_ptr<float>(),
                                 batch.target.defined() ? batch.target.data_ptr<float>() : nullptr,
                                 batch.rows,
                                 layer.width(),
                                 layer.activation,
                                 sums_.data_ptr<double>(),
                                 output.bf16()};
    switch (problem_.objective.loss().formula) {
      case Formula::cross_entropy:
        return run(kernels::CrossEntropy{losses, batch.labels.data_ptr<int64_t>()});
      case Formula::squared_error:
        return run(kernels::SquaredError{losses});
      case Formula::binary_cross_entropy:
        return run(kernels::BinaryCrossEntropy{losses});
      default:
        refuse_loss();
    }
  }

  void update(const TrainedLayer& layer, const Matrix& delta, int64_t rows) const {
    kernels::Update step{};
    step.layer = {layer.weight.values.numel(),
                  layer.width(),
                  layer.weight.data(),
                  layer.bias.data_ptr<float>(),
                  layer.gradient.data_ptr<float>(),
                  delta.data(),
                  layer.first.data_ptr<float>(),
                  layer.second.defined() ? layer.second.data_ptr<float>() : nullptr,
                  layer.weight.bf16(),
                  aligned(layer.weight.values)};
    step.rows = rows;
    step.clock = clock();
    step.l2 = static_cast<float>(options_.l2);
    if (const auto* adam = std::get_if<Adam>(&options_.optimizer)) {
      step.adam = true;
      step.beta1 = static_cast<float>(adam->beta1);
      step.beta2 = static_cast<float>(adam->beta2);
      step.rest1 = static_cast<float>(1 - adam->beta1);
      step.rest2 = static_cast<float>(1 - adam->beta2);
      step.epsilon = static_cast<float>(adam->epsilon);
    } else {
      const auto& sgd = std::get<Sgd>(options_.optimizer);
      step.nesterov = sgd.nesterov;
      step.learning_rate = static_cast<float>(sgd.learning_rate);
      step.momentum = static_cast<float>(sgd.momentum);
    }
    run(step);
  }

  Problem problem_;
  FitOptions options_;
  Precision precision_;
  torch::Device device_;
  torch::Tensor inputs_;
  torch::Tensor targets_;
  std::vector<TrainedLayer> layers_;
  std::map<int64_t, Batch> batches_;
  torch::Tensor sums_;   ///< of the losses, one a thread
  torch::Tensor clock_;  ///< a `device_kernels::Clock`
  torch::Tensor order_;  ///< row numbers of the next batches
#ifdef LAYERWISE_CUDA
  mutable std::optional<c10::cuda::CUDAStream> side_;
#endif
};

}  // namespace

std::unique_ptr<DenseStep> make_device_step(std::vector<Dense> layers, const Problem& problem,
                                            const Dataset& train, const FitOptions& options) {
  return std::make_unique<DeviceStep>(layers, problem, train, options);
}

}  // namespace layerwise
