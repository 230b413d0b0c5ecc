#pragma once

#include <cstdint>
#include <variant>
#include <vector>

#include "layerwise/nn/activation_kind.h"
#include "layerwise/train/fit.h"

/// The arithmetic of the tiny engine, on plain arrays; tiny_kernels.cpp explains their layout.
namespace layerwise::tiny {

constexpr int64_t max_width = 64;  ///< maximum number of units in a layer

/// The number of floats, rounded up to a multiple of 4.
constexpr int64_t padded(int64_t count) {
  return (count + 3) / 4 * 4;
}

struct Layer {
  int64_t in;
  int64_t out;
  Activation activation;
  int64_t weight;  ///< offset of its weights in the network's values, [out][padded(in)]
  int64_t bias;    ///< offset of its biases, [padded(out)]
  float* output;   ///< [padded(out)][tile], zero beyond `out`
};

enum class Loss { cross_entropy, squared_error };

/// A chain of layers, the state of its optimizer, and buffers for a tile of samples. It owns no
/// memory.
struct Network {
  std::vector<Layer> layers;
  Loss loss;
  int64_t tile;     ///< number of samples that are computed at once, a multiple of 32
  int64_t weights;  ///< number of values that are weights, a multiple of 16
  int64_t size;     ///< all values: weights, then biases, each padded with zeros
  float* value;     ///< [size], as the next three
  float* gradient;
  float* first;     ///< SGD's velocity, Adam's first moment
  float* second;    ///< Adam's second moment
  float* input;     ///< [padded(in)][tile]
  float* target;    ///< [padded(out)][tile]; equal to `input` if the inputs are reconstructed
  int32_t* label;   ///< [tile]
  float* delta[2];  ///< [max_width][tile], gradients that are propagated backward
};

struct Optimizer {
  std::variant<Sgd, Adam> rule;
  double decay;   ///< weight decay; biases have none
  int64_t steps;  ///< number of steps taken so far
};

/// Samples, row by row.
struct Samples {
  const float* inputs;    ///< [rows][padded(in)]
  const float* targets;   ///< [rows][padded(out)]; null where there are none
  const int32_t* labels;  ///< [rows]; null where there are none
};

/// Sums over samples. If an output is not finite, its loss is not finite, and `hits` is NaN.
struct Sums {
  double loss = 0;  ///< sum of the losses of the samples
  double hits = 0;  ///< number of samples whose largest output is that of their label
};

/// Takes one step on each batch of the rows, in this order; the last batch may be shorter.
/// @returns the sum of the losses of all rows; each loss is computed before the step of its batch
double train(Network& network, Optimizer& optimizer, const Samples& samples, const int64_t* rows,
             int64_t count, int64_t batch_size);

/// @param rows row numbers of the samples, or null for the first `count`
Sums evaluate(Network& network, const Samples& samples, const int64_t* rows, int64_t count);

}  // namespace layerwise::tiny
