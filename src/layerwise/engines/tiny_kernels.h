#pragma once

#include <cstdint>
#include <variant>
#include <vector>

#include "layerwise/nn/activation_kind.h"
#include "layerwise/train/fit.h"

/// What the tiny engine computes with: plain arrays, see tiny_kernels.cpp for how they lie.
namespace layerwise::tiny {

constexpr int64_t max_width = 64;  ///< units of a layer

/// Floats, from 0, to a multiple of 4.
constexpr int64_t padded(int64_t count) {
  return (count + 3) / 4 * 4;
}

struct Layer {
  int64_t in;
  int64_t out;
  Activation activation;
  int64_t weight;  ///< where in the network's values its weights begin, [out][padded(in)]
  int64_t bias;    ///< and its biases, [padded(out)]
  float* output;   ///< [padded(out)][tile], zero beyond `out`
};

enum class Loss { cross_entropy, squared_error };

/// A chain of layers, its optimizer's state and room for a tile of samples; none of it owned.
struct Network {
  std::vector<Layer> layers;
  Loss loss;
  int64_t tile;     ///< samples that are computed at once, a multiple of 32
  int64_t weights;  ///< how many of the values are weights, a multiple of 16
  int64_t size;     ///< all values: weights, then biases, each padded with zeros
  float* value;     ///< [size], and so the next three
  float* gradient;
  float* first;     ///< SGD's velocity, Adam's first moment
  float* second;    ///< Adam's second moment
  float* input;     ///< [padded(in)][tile]
  float* target;    ///< [padded(out)][tile]; `input` where that is to be reconstructed
  int32_t* label;   ///< [tile]
  float* delta[2];  ///< [max_width][tile], what is propagated backwards
};

struct Optimizer {
  std::variant<Sgd, Adam> rule;
  double decay;   ///< of the weights
  int64_t steps;  ///< taken so far
};

/// Samples, row by row.
struct Samples {
  const float* inputs;    ///< [rows][padded(in)]
  const float* targets;   ///< [rows][padded(out)]; null where there are none
  const int32_t* labels;  ///< [rows]; null where there are none
};

/// Sums over samples. Where an output is not finite, so is its loss, and `hits` is NaN.
struct Sums {
  double loss = 0;  ///< of each sample
  double hits = 0;  ///< samples whose largest output is that of their label
};

/// Takes one step on each batch of the rows, in this order; the last may be shorter.
/// @returns the sum of the losses of all rows, each before its batch's step
double train(Network& network, Optimizer& optimizer, const Samples& samples, const int64_t* rows,
             int64_t count, int64_t batch_size);

/// @param rows which samples, or null for the first `count`
Sums evaluate(Network& network, const Samples& samples, const int64_t* rows, int64_t count);

}  // namespace layerwise::tiny
