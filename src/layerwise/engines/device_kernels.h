#pragma once

#include <cmath>
#include <cstdint>

#include "layerwise/nn/activation_kind.h"
#include "layerwise/nn/noise_kind.h"
#include "layerwise/on_device.h"
#include "layerwise/philox.h"

/// What the dense engine's step on a device does between its matrix products: each struct is one
/// kernel, and its call operator what one of its threads does. nvcc compiles them for CUDA
/// (device_kernels.cu); the host compiler, too, so that a test can run them on the CPU.
///
/// No thread waits for another one or writes where another one writes, so the results have the same
/// bits in every run. Matrices are [rows][columns]. A pointer to bfloat16 (the upper halves of
/// floats) that is not null gets the result too, rounded, as a factor of the products.
namespace layerwise::device_kernels {

/// Counters in the device's memory, so that one captured graph serves all steps.
struct Clock {
  int64_t position;  ///< of the batch's first row in the order
  int64_t steps;     ///< taken in this stage
  float rate;        ///< Adam's learning rate / bias correction of the first moment
  float scale;       ///< 1 / square root of the bias correction of the second moment
  float factor;      ///< of the learning rate, by the schedule
};

LAYERWISE_ON_DEVICE inline uint16_t bf16_of(float value) {
  union {
    float value;
    uint32_t bits;
  } word{value};
  if (value != value) return 0x7fc0;
  return static_cast<uint16_t>((word.bits + 0x7fffU + ((word.bits >> 16) & 1U)) >> 16);
}

LAYERWISE_ON_DEVICE inline void put(float value, float* to, uint16_t* bf16, int64_t place) {
  to[place] = value;
  if (bf16 != nullptr) bf16[place] = bf16_of(value);
}

/// Four floats that are read and written at once.
struct LAYERWISE_MAY_ALIAS alignas(16) Four {
  float values[4];
};

/// @param from aligned to 16 bytes
/// @param left how many floats there are; the others become 0
LAYERWISE_ON_DEVICE inline Four read_four(const float* from, int64_t left = 4) {
  Four four{};
  if (left >= 4) {
    four = *reinterpret_cast<const Four*>(from);
  } else {
    for (int64_t k = 0; k < left; ++k) four.values[k] = from[k];
  }
  return four;
}

LAYERWISE_ON_DEVICE inline void write_four(const Four& four, float* to, int64_t left = 4) {
  if (left >= 4) {
    *reinterpret_cast<Four*>(to) = four;
  } else {
    for (int64_t k = 0; k < left; ++k) to[k] = four.values[k];
  }
}

/// Also to bfloat16, unless that is null.
LAYERWISE_ON_DEVICE inline void put_four(const Four& four, float* to, uint16_t* bf16, int64_t place,
                                         int64_t left = 4) {
  write_four(four, to + place, left);
  if (bf16 == nullptr) return;
  for (int64_t k = 0; k < 4 && k < left; ++k) bf16[place + k] = bf16_of(four.values[k]);
}

/// The column of an element of a matrix that has fewer than 2^32.
LAYERWISE_ON_DEVICE inline int64_t column_of(int64_t element, int64_t columns) {
  return static_cast<uint32_t>(element) % static_cast<uint32_t>(columns);
}

/// NaN stays NaN, because a fit that diverges is recognized by it.
LAYERWISE_ON_DEVICE inline float activated(float x, Activation activation) {
  switch (activation) {
    case Activation::linear:
      return x;
    case Activation::relu:
      return x < 0 ? 0.0F : x;
    case Activation::leaky_relu:
      return x < 0 ? static_cast<float>(leaky_relu_slope) * x : x;
    case Activation::elu:
      return x < 0 ? ::expm1f(x) : x;
    case Activation::selu:
      return static_cast<float>(selu_scale) *
             (x < 0 ? static_cast<float>(selu_alpha) * ::expm1f(x) : x);
    case Activation::tanh:
      return ::tanhf(x);
    case Activation::sigmoid:
      return 1 / (1 + ::expf(-x));
    default:  // never comes here: see KernelActivations
      return NAN;
  }
}

/// The derivative, computed from the output.
LAYERWISE_ON_DEVICE inline float slope(float y, Activation activation) {
  switch (activation) {
    case Activation::linear:
      return 1;
    case Activation::relu:
      return y > 0 ? 1.0F : 0.0F;
    case Activation::leaky_relu:
      return y > 0 ? 1.0F : static_cast<float>(leaky_relu_slope);
    case Activation::elu:
      return y > 0 ? 1.0F : y + 1;
    case Activation::selu:
      return y > 0 ? static_cast<float>(selu_scale)
                   : y + static_cast<float>(selu_scale * selu_alpha);
    case Activation::tanh:
      return 1 - y * y;
    case Activation::sigmoid:
      return y * (1 - y);
    default:
      return NAN;
  }
}

/// Gathers the batch's rows and corrupts them. A thread takes four entries of a row: one block of
/// Philox.
struct Gather {
  const float* floats;   ///< where rows are floats; else null
  const uint8_t* bytes;  ///< where they are bytes, which are divided by 255
  const int64_t* order;
  const Clock* clock;
  int64_t rows;
  int64_t columns;
  NoiseKind noise;  ///< `other` leaves the rows alone
  double amount;    ///< share or standard deviation
  uint32_t seed;
  uint32_t repeat;
  uint32_t stage;
  float* clean;
  float* input;  ///< the same, unless it is corrupted
  uint16_t* bf16;
  bool aligned;  ///< whether four floats of a row can be read at once, at the source too

  int64_t threads() const { return rows * ((columns + 3) / 4); }

  LAYERWISE_ON_DEVICE void operator()(int64_t thread, int64_t count) const {
    const int64_t blocks = (columns + 3) / 4;
    for (int64_t i = thread; i < rows * blocks; i += count) {
      const int64_t row = static_cast<uint32_t>(i) / static_cast<uint32_t>(blocks);
      const int64_t block = column_of(i, blocks);
      const int64_t from = order[clock->position + row];
      double u[4] = {};
      if (noise != NoiseKind::other) uniform(block, from, u);
      const int64_t source = from * columns + 4 * block;
      const int64_t to = row * columns + 4 * block;
      const int64_t left = columns - 4 * block;
      if (aligned) {
        Four four = read_four(floats + source);
        write_four(four, clean + to);
        if (noise == NoiseKind::other && bf16 == nullptr) continue;
        for (int64_t k = 0; k < 4; ++k) four.values[k] = corrupted(four.values[k], u, k);
        put_four(four, input, bf16, to);
        continue;
      }
      for (int64_t k = 0; k < 4 && k < left; ++k) {
        const float value =
            bytes != nullptr ? static_cast<float>(bytes[source + k]) / 255.0F : floats[source + k];
        clean[to + k] = value;
        if (noise != NoiseKind::other || bf16 != nullptr)
          put(corrupted(value, u, k), input, bf16, to + k);
      }
    }
  }

 private:
  /// As `uniform_noise`.
  LAYERWISE_ON_DEVICE void uniform(int64_t block, int64_t row, double* u) const {
    uint32_t word[4] = {static_cast<uint32_t>(block), static_cast<uint32_t>(row),
                        static_cast<uint32_t>(clock->steps), stage};
    uint32_t key[2] = {seed, repeat};
    for (int round = 0; round < philox_rounds; ++round) {
      philox_round(word[0], word[1], word[2], word[3], key[0], key[1]);
      next_philox_key(key[0], key[1]);
    }
    for (int k = 0; k < 4; ++k) u[k] = (word[k] + 0.5) * 0x1p-32;
  }

  LAYERWISE_ON_DEVICE float corrupted(float value, const double* u, int64_t k) const {
    switch (noise) {
      case NoiseKind::other:
        return value;
      case NoiseKind::gaussian: {
        const double radius = ::sqrt(-2 * ::log(u[k / 2 * 2]));
        const double angle = 2 * 3.14159265358979323846 * u[k / 2 * 2 + 1];
        const double normal = radius * (k % 2 == 0 ? ::cos(angle) : ::sin(angle));
        return value + static_cast<float>(normal) * static_cast<float>(amount);
      }
      case NoiseKind::masking:
        return u[k] < amount ? 0.0F : value;
      case NoiseKind::dropout:
        return u[k] < amount ? 0.0F : value / static_cast<float>(1 - amount);
      case NoiseKind::salt_and_pepper:
        return u[k] < amount / 2 ? 0.0F : u[k] < amount ? 1.0F : value;
    }
    return value;
  }
};

/// Gathers the batch's labels.
struct GatherLabels {
  const int64_t* labels;
  const int64_t* order;
  const Clock* clock;
  int64_t rows;
  int64_t* to;

  int64_t threads() const { return rows; }

  LAYERWISE_ON_DEVICE void operator()(int64_t thread, int64_t count) const {
    for (int64_t i = thread; i < rows; i += count) to[i] = labels[order[clock->position + i]];
  }
};

/// Adds the biases to four sums of a row-major matrix and applies the activation.
LAYERWISE_ON_DEVICE inline Four outputs_of(Four sums, const float* bias, int64_t place,
                                           int64_t columns, Activation activation) {
  int64_t column = column_of(place, columns);
  for (int k = 0; k < 4; ++k) {
    sums.values[k] = activated(sums.values[k] + bias[column], activation);
    if (++column == columns) column = 0;
  }
  return sums;
}

/// y = activation(y + bias). A thread takes four elements, as below.
struct Activate {
  float* y;
  const float* bias;
  int64_t rows;
  int64_t columns;
  Activation activation;
  uint16_t* bf16;

  int64_t threads() const { return (rows * columns + 3) / 4; }

  LAYERWISE_ON_DEVICE void operator()(int64_t thread, int64_t count) const {
    const int64_t elements = rows * columns;
    for (int64_t i = 4 * thread; i < elements; i += 4 * count) {
      const auto sums = read_four(y + i, elements - i);
      put_four(outputs_of(sums, bias, i, columns, activation), y, bf16, i, elements - i);
    }
  }
};

/// Moves the clock on behind a batch, once its rows are gathered. By one thread.
struct Tick {
  Clock* clock;
  int64_t rows;
  int64_t steps_before;  ///< of Adam's counter
  double learning_rate;
  double beta1;  ///< Adam's; 0 for the other optimizers
  double beta2;

  int64_t threads() const { return 1; }

  LAYERWISE_ON_DEVICE void operator()(int64_t thread, int64_t) const {
    if (thread > 0) return;
    clock->position += rows;
    ++clock->steps;
    const auto step = static_cast<double>(steps_before + clock->steps);
    clock->rate = static_cast<float>(clock->factor * learning_rate / (1 - ::pow(beta1, step)));
    clock->scale = static_cast<float>(1 / ::sqrt(1 - ::pow(beta2, step)));
  }
};

/// The last layer: y becomes the gradient with respect to its sums, and each thread adds its losses
/// to a sum of its own.
struct Losses {
  float* y;  ///< at first the sums without bias
  const float* bias;
  const float* target;
  int64_t rows;
  int64_t columns;
  Activation activation;
  double* sums;
  uint16_t* bf16;
};

struct SquaredError : Losses {
  int64_t threads() const { return (rows * columns + 3) / 4; }

  LAYERWISE_ON_DEVICE void operator()(int64_t thread, int64_t count) const {
    const int64_t elements = rows * columns;
    const auto factor = static_cast<float>(2 / static_cast<double>(elements));
    double sum = 0;
    for (int64_t i = 4 * thread; i < elements; i += 4 * count) {
      Four four = outputs_of(read_four(y + i, elements - i), bias, i, columns, activation);
      const Four wanted = read_four(target + i, elements - i);
      for (int64_t k = 0; k < 4 && i + k < elements; ++k) {
        float& value = four.values[k];
        const float error = value - wanted.values[k];
        sum += static_cast<double>(error * error);
        value = error * factor * slope(value, activation);
      }
      put_four(four, y, bf16, i, elements - i);
    }
    sums[thread] += sum / static_cast<double>(columns);
  }
};

/// Of outputs of a sigmoid.
struct BinaryCrossEntropy : Losses {
  int64_t threads() const { return (rows * columns + 3) / 4; }

  LAYERWISE_ON_DEVICE void operator()(int64_t thread, int64_t count) const {
    const int64_t elements = rows * columns;
    const auto factor = static_cast<float>(1 / static_cast<double>(elements));
    double sum = 0;
    for (int64_t i = 4 * thread; i < elements; i += 4 * count) {
      Four four = outputs_of(read_four(y + i, elements - i), bias, i, columns, Activation::sigmoid);
      const Four wanted = read_four(target + i, elements - i);
      for (int64_t k = 0; k < 4 && i + k < elements; ++k) {
        float& value = four.values[k];
        const float yes = wanted.values[k] * bounded_log(value);
        const float no = (1 - wanted.values[k]) * bounded_log(1 - value);
        sum += static_cast<double>(value * 0 - (yes + no));
        value = (value - wanted.values[k]) * factor;
      }
      put_four(four, y, bf16, i, elements - i);
    }
    sums[thread] += sum / static_cast<double>(columns);
  }

 private:
  /// As in torch.nn.BCELoss: at least -100.
  LAYERWISE_ON_DEVICE static float bounded_log(float x) {
    const float value = ::logf(x);
    return value < -100 ? -100.0F : value;
  }
};

/// Of a softmax over the outputs. A thread takes a row.
struct CrossEntropy : Losses {
  const int64_t* labels;

  int64_t threads() const { return rows; }

  LAYERWISE_ON_DEVICE void operator()(int64_t thread, int64_t count) const {
    double sum = 0;
    for (int64_t row = thread; row < rows; row += count) {
      float* output = y + row * columns;
      float largest = -INFINITY;
      double poison = 0;  // turns to NaN where an output is infinite or NaN
      for (int64_t c = 0; c < columns; ++c) {
        output[c] = activated(output[c] + bias[c], activation);
        if (output[c] > largest) largest = output[c];
        poison += 0 * static_cast<double>(output[c]);
      }
      double total = 0;
      for (int64_t c = 0; c < columns; ++c)
        total += ::exp(static_cast<double>(output[c] - largest));
      sum += ::log(total) + static_cast<double>(largest - output[labels[row]]) + poison;
      for (int64_t c = 0; c < columns; ++c) {
        const double share = ::exp(static_cast<double>(output[c] - largest)) / total;
        const auto change =
            static_cast<float>((share - (c == labels[row] ? 1 : 0)) / static_cast<double>(rows));
        put(change * slope(output[c], activation), y, bf16, row * columns + c);
      }
    }
    sums[thread] += sum;
  }
};

/// delta *= the derivative of the activation, computed from its output y.
struct ThroughActivation {
  float* delta;
  const float* y;
  int64_t elements;
  Activation activation;
  uint16_t* bf16;

  int64_t threads() const { return (elements + 3) / 4; }

  LAYERWISE_ON_DEVICE void operator()(int64_t thread, int64_t count) const {
    for (int64_t i = 4 * thread; i < elements; i += 4 * count) {
      Four four = read_four(delta + i, elements - i);
      const Four output = read_four(y + i, elements - i);
      for (int k = 0; k < 4; ++k) four.values[k] *= slope(output.values[k], activation);
      put_four(four, delta, bf16, i, elements - i);
    }
  }
};

/// The weights and the biases of a layer, for the optimizer.
struct Weights {
  int64_t weights;
  int64_t biases;
  float* weight;
  float* bias;
  const float* gradient;  ///< of the weights
  const float* delta;     ///< whose columns' sums are the gradient of the biases
  float* first;           ///< moments, or velocities; of the weights, then of the biases
  float* second;
  uint16_t* bf16;  ///< of the weights
  bool aligned;    ///< whether four weights can be read at once
};

/// The optimizer's step for a layer. The first threads take the biases, which have more to read,
/// the others four weights each.
struct Update {
  Weights layer;
  int64_t rows;
  const Clock* clock;
  bool adam;
  bool nesterov;
  float l2;
  float learning_rate;  ///< of SGD, as its momentum
  float momentum;
  float beta1;
  float beta2;
  float rest1;  ///< 1 - beta1
  float rest2;
  float epsilon;

  int64_t threads() const { return layer.biases + (layer.weights + 3) / 4; }

  LAYERWISE_ON_DEVICE void operator()(int64_t thread, int64_t count) const {
    const float rate = adam ? clock->rate : clock->factor * learning_rate;
    const float scale = clock->scale;
    for (int64_t i = thread; i < layer.biases; i += count) {
      const int64_t place = layer.weights + i;
      float none = 0;
      float& second = adam ? layer.second[place] : none;
      layer.bias[i] =
          moved(layer.bias[i], sum_of_column(i), layer.first[place], second, rate, scale);
    }
    // The threads behind those of the biases; of too few threads, all.
    const int64_t skipped = layer.biases < count ? layer.biases : 0;
    if (thread < skipped) return;
    for (int64_t i = 4 * (thread - skipped); i < layer.weights; i += 4 * (count - skipped)) {
      if (layer.aligned && i + 4 <= layer.weights) {
        update_four(i, rate, scale);
      } else {
        for (int64_t k = i; k < i + 4 && k < layer.weights; ++k) update_one(k, rate, scale);
      }
    }
  }

 private:
  /// In several sums, so that a thread has several reads under way.
  LAYERWISE_ON_DEVICE float sum_of_column(int64_t column) const {
    constexpr int sums = 8;
    float sum[sums] = {};
    const float* delta = layer.delta + column;
    int64_t row = 0;
    for (; row + sums <= rows; row += sums) {
      for (int k = 0; k < sums; ++k) sum[k] += delta[(row + k) * layer.biases];
    }
    for (; row < rows; ++row) sum[0] += delta[row * layer.biases];
    return ((sum[0] + sum[1]) + (sum[2] + sum[3])) + ((sum[4] + sum[5]) + (sum[6] + sum[7]));
  }

  LAYERWISE_ON_DEVICE void update_four(int64_t place, float rate, float scale) const {
    const Four gradient = read_four(layer.gradient + place);
    Four weight = read_four(layer.weight + place);
    Four first = read_four(layer.first + place);
    Four second = adam ? read_four(layer.second + place) : Four{};
    for (int k = 0; k < 4; ++k) {
      weight.values[k] = moved(weight.values[k], gradient.values[k] + l2 * weight.values[k],
                               first.values[k], second.values[k], rate, scale);
    }
    put_four(weight, layer.weight, layer.bf16, place);
    write_four(first, layer.first + place);
    if (adam) write_four(second, layer.second + place);
  }

  LAYERWISE_ON_DEVICE void update_one(int64_t place, float rate, float scale) const {
    const float weight = layer.weight[place];
    float none = 0;
    float& second = adam ? layer.second[place] : none;
    const float gradient = layer.gradient[place] + l2 * weight;
    put(moved(weight, gradient, layer.first[place], second, rate, scale), layer.weight, layer.bf16,
        place);
  }

  LAYERWISE_ON_DEVICE float moved(float weight, float gradient, float& first, float& second,
                                  float rate, float scale) const {
    if (!adam) {
      first = momentum * first + gradient;
      return weight - rate * (nesterov ? gradient + momentum * first : first);
    }
    first = beta1 * first + rest1 * gradient;
    second = beta2 * second + rest2 * (gradient * gradient);
    return weight - rate * (first / (::sqrtf(second) * scale + epsilon));
  }
};

/// Rounds to bfloat16.
struct Round {
  const float* from;
  int64_t elements;
  uint16_t* to;

  int64_t threads() const { return elements; }

  LAYERWISE_ON_DEVICE void operator()(int64_t thread, int64_t count) const {
    for (int64_t i = thread; i < elements; i += count) to[i] = bf16_of(from[i]);
  }
};

/// The most threads that a kernel is launched with; a thread takes several elements where there are
/// more.
constexpr int64_t most_threads = int64_t{1} << 18;

/// Runs a kernel on the CPU. The elements go to a few threads in turn, as on a device to many.
template <typename Kernel>
void run_on_cpu(const Kernel& kernel) {
  constexpr int64_t count = 7;
  for (int64_t thread = 0; thread < count; ++thread) kernel(thread, count);
}

/// Launches a kernel on a stream of CUDA.
/// @param stream a cudaStream_t
/// @throws std::runtime_error naming CUDA's error
template <typename Kernel>
void run_on_cuda(const Kernel& kernel, void* stream);

}  // namespace layerwise::device_kernels
