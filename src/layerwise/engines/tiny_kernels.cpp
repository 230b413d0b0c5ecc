/// The arithmetic of the tiny engine, for each instruction set that Highway supports.
///
/// A network with at most 64 units per layer fits into the first-level cache with all its buffers,
/// and a step on it is some hundred vector instructions. The cost is in everything else, so a step
/// allocates nothing, calls nothing, and accesses memory only in the order in which it is stored:
///
///     samples    row by row, rows padded to 4 floats      x0 x1 x2 .. | x0 x1 x2 .. | ..
///
///       -- gathered and transposed 4 by 4, one tile of samples at a time -->
///
///     a layer's output     unit by unit, samples in SIMD lanes
///                          unit 0 | s0 s1 s2 s3 s4 s5 s6 s7 .. |
///                          unit 1 | s0 s1 s2 s3 s4 s5 s6 s7 .. |
///     weights              [out][in], rows padded to 4 floats
///
/// - Forward, unit o: lanes += w[o][i] * input i, with the weight broadcast. Backward, unit i: the
///   same with w[o][i] read down the column. Five units by two vectors of lanes stay in registers.
/// - Gradient of w[o][i]: the lanes of delta o times those of input i, summed across the lanes.
///   Four such sums are computed at once, by adding vectors while transposing them, and stored as
///   one vector.
/// - Padding is always zero, so no code has to check for it: the gradients of padded weights are 0.
///   Lanes after the last sample hold copies of it, and deltas of 0.
/// - All weights are stored before all biases, so that the optimizer is one pass over a flat array,
///   with weight decay up to the end of the weights and without it after that.
#include "layerwise/engines/tiny_kernels.h"

#include <algorithm>
#include <cmath>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "layerwise/engines/tiny_kernels.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include "layerwise/engines/simd_math-inl.h"

HWY_BEFORE_NAMESPACE();
namespace layerwise::tiny {
namespace HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;
namespace simd = layerwise::simd::HWY_NAMESPACE;

using simd::D;
using simd::d;
using simd::lanes;
using simd::V;

/// Number of vectors of lanes that are computed at once.
constexpr size_t vectors = 2;
/// Number of units that are computed at once.
constexpr int64_t units_at_once = 5;

/// The number of lanes for `count` samples, in complete groups of vectors.
HWY_INLINE int64_t lanes_of(int64_t count) {
  const int64_t group = lanes() * static_cast<int64_t>(vectors);
  return (count + group - 1) / group * group;
}

/// Transposes the four floats at `offset` in the rows of four samples: `to` gets, for each of four
/// units, the floats of the four samples.
HWY_INLINE void transpose4(const float* const* from, int64_t offset, float* to, int64_t tile) {
#if HWY_TARGET == HWY_SCALAR
  for (int64_t unit = 0; unit < 4; ++unit) {
    for (int64_t sample = 0; sample < 4; ++sample)
      to[unit * tile + sample] = from[sample][offset + unit];
  }
#else
  const hn::FixedTag<float, 4> d4;
  const auto r0 = hn::LoadU(d4, from[0] + offset);
  const auto r1 = hn::LoadU(d4, from[1] + offset);
  const auto r2 = hn::LoadU(d4, from[2] + offset);
  const auto r3 = hn::LoadU(d4, from[3] + offset);
  const auto low01 = hn::InterleaveLower(d4, r0, r1);
  const auto low23 = hn::InterleaveLower(d4, r2, r3);
  const auto high01 = hn::InterleaveUpper(d4, r0, r1);
  const auto high23 = hn::InterleaveUpper(d4, r2, r3);
  hn::Store(hn::ConcatLowerLower(d4, low23, low01), d4, to);
  hn::Store(hn::ConcatUpperUpper(d4, low23, low01), d4, to + tile);
  hn::Store(hn::ConcatLowerLower(d4, high23, high01), d4, to + 2 * tile);
  hn::Store(hn::ConcatUpperUpper(d4, high23, high01), d4, to + 3 * tile);
#endif
}

/// Gathers rows of samples as lanes: `to` is [width][tile]. Lanes after the last sample hold copies
/// of it.
HWY_INLINE void gather(const float* from, int64_t width, const int64_t* rows, int64_t first,
                       int64_t count, float* to, int64_t tile) {
  const int64_t end = lanes_of(count);
  for (int64_t sample = 0; sample < end; sample += 4) {
    const float* four[4];
    for (int64_t i = 0; i < 4; ++i) {
      const int64_t place = std::min(sample + i, count - 1);
      four[i] = from + (rows != nullptr ? rows[place] : first + place) * width;
    }
    for (int64_t unit = 0; unit < width; unit += 4)
      transpose4(four, unit, to + unit * tile + sample, tile);
  }
}

/// For `R` units: y[unit] = bias[unit] + the sum over k of w[unit, k] x[k], lane by lane.
/// @param bias null for none
template <int64_t R>
HWY_INLINE void multiply_units(const float* w, int64_t unit_step, int64_t k_step, int64_t k_count,
                               const float* bias, const float* x, float* y, int64_t tile,
                               int64_t lane_count) {
  const int64_t n = lanes();
  for (int64_t lane = 0; lane < lane_count; lane += n * static_cast<int64_t>(vectors)) {
    V sum[R][vectors];
    for (int64_t r = 0; r < R; ++r) {
      const V start = bias != nullptr ? hn::Set(d, bias[r]) : hn::Zero(d);
      for (size_t v = 0; v < vectors; ++v) sum[r][v] = start;
    }
    for (int64_t k = 0; k < k_count; ++k) {
      const float* row = x + k * tile + lane;
      V input[vectors];
      for (size_t v = 0; v < vectors; ++v)
        input[v] = hn::Load(d, row + static_cast<int64_t>(v) * n);
      for (int64_t r = 0; r < R; ++r) {
        const V weight = hn::Set(d, w[r * unit_step + k * k_step]);
        for (size_t v = 0; v < vectors; ++v) sum[r][v] = hn::MulAdd(weight, input[v], sum[r][v]);
      }
    }
    for (int64_t r = 0; r < R; ++r) {
      for (size_t v = 0; v < vectors; ++v)
        hn::Store(sum[r][v], d, y + r * tile + lane + static_cast<int64_t>(v) * n);
    }
  }
}

HWY_INLINE void multiply(const float* w, int64_t unit_step, int64_t k_step, int64_t units,
                         int64_t k_count, const float* bias, const float* x, float* y, int64_t tile,
                         int64_t lane_count) {
  const auto some = [&](auto count, int64_t unit) HWY_ATTR {
    multiply_units<decltype(count)::value>(w + unit * unit_step, unit_step, k_step, k_count,
                                           bias != nullptr ? bias + unit : nullptr, x,
                                           y + unit * tile, tile, lane_count);
  };
  int64_t unit = 0;
  for (; unit + units_at_once <= units; unit += units_at_once)
    some(std::integral_constant<int64_t, units_at_once>(), unit);
  switch (units - unit) {
    case 4:
      return some(std::integral_constant<int64_t, 4>(), unit);
    case 3:
      return some(std::integral_constant<int64_t, 3>(), unit);
    case 2:
      return some(std::integral_constant<int64_t, 2>(), unit);
    case 1:
      return some(std::integral_constant<int64_t, 1>(), unit);
    default:
      return;
  }
}

/// Adds the sums across the lanes of four vectors to four floats.
HWY_INLINE void add_sums4(V a, V b, V c, V e, float* to) {
#if HWY_TARGET == HWY_SCALAR
  to[0] += hn::GetLane(a);
  to[1] += hn::GetLane(b);
  to[2] += hn::GetLane(c);
  to[3] += hn::GetLane(e);
#else
  const hn::RepartitionToWide<D> dw;
  const V ab = hn::Add(hn::InterleaveLower(d, a, b), hn::InterleaveUpper(d, a, b));
  const V ce = hn::Add(hn::InterleaveLower(d, c, e), hn::InterleaveUpper(d, c, e));
  const auto low = hn::InterleaveLower(dw, hn::BitCast(dw, ab), hn::BitCast(dw, ce));
  const auto high = hn::InterleaveUpper(dw, hn::BitCast(dw, ab), hn::BitCast(dw, ce));
  const V blocks = hn::Add(hn::BitCast(d, low), hn::BitCast(d, high));
  const hn::FixedTag<float, 4> d4;
  hn::Store(hn::Add(hn::Load(d4, to), simd::sum_of_blocks(d, blocks)), d4, to);
#endif
}

/// gradient[o][i] += the sum over lanes of delta[o] x[i], for `R` units o and four inputs i at a
/// time.
template <int64_t R>
HWY_INLINE void add_gradients(const float* delta, const float* x, int64_t inputs, float* gradient,
                              int64_t tile, int64_t lane_count) {
  const int64_t n = lanes();
  for (int64_t i = 0; i < inputs; i += 4) {
    V sum[R][4];
    for (int64_t r = 0; r < R; ++r) {
      for (auto& s : sum[r]) s = hn::Zero(d);
    }
    for (int64_t lane = 0; lane < lane_count; lane += n) {
      V input[4];
      for (int64_t j = 0; j < 4; ++j) input[j] = hn::Load(d, x + (i + j) * tile + lane);
      for (int64_t r = 0; r < R; ++r) {
        const V factor = hn::Load(d, delta + r * tile + lane);
        for (int64_t j = 0; j < 4; ++j) sum[r][j] = hn::MulAdd(factor, input[j], sum[r][j]);
      }
    }
    for (int64_t r = 0; r < R; ++r)
      add_sums4(sum[r][0], sum[r][1], sum[r][2], sum[r][3], gradient + r * inputs + i);
  }
}

HWY_INLINE void add_bias_gradients(const float* delta, int64_t units, float* gradient, int64_t tile,
                                   int64_t lane_count) {
  const int64_t n = lanes();
  for (int64_t unit = 0; unit < units; unit += 4) {
    V sum[4];
    for (auto& s : sum) s = hn::Zero(d);
    for (int64_t lane = 0; lane < lane_count; lane += n) {
      for (int64_t j = 0; j < 4; ++j)
        sum[j] = hn::Add(sum[j], hn::Load(d, delta + (unit + j) * tile + lane));
    }
    add_sums4(sum[0], sum[1], sum[2], sum[3], gradient + unit);
  }
}

/// Calls `change(place)` for each vector of [units][tile] that holds samples.
template <class Change>
HWY_INLINE void for_each_vector(int64_t units, int64_t tile, int64_t lane_count, Change change) {
  const int64_t n = lanes();
  for (int64_t unit = 0; unit < units; ++unit) {
    for (int64_t lane = 0; lane < lane_count; lane += n) change(unit * tile + lane);
  }
}

HWY_INLINE void activate(float* values, int64_t units, Activation activation, int64_t tile,
                         int64_t lane_count) {
  simd::with_activation(activation, [&](auto function) HWY_ATTR {
    if constexpr (decltype(function)::value == Activation::linear) return;
    for_each_vector(units, tile, lane_count, [&](int64_t place) HWY_ATTR {
      const V x = hn::Load(d, values + place);
      hn::Store(simd::activated<decltype(function)::value>(x), d, values + place);
    });
  });
}

/// delta *= the derivative of the activation, computed from its output `values`.
HWY_INLINE void multiply_by_slope(float* delta, const float* values, int64_t units,
                                  Activation activation, int64_t tile, int64_t lane_count) {
  simd::with_activation(activation, [&](auto function) HWY_ATTR {
    if constexpr (decltype(function)::value == Activation::linear) return;
    for_each_vector(units, tile, lane_count, [&](int64_t place) HWY_ATTR {
      const V slope = simd::slope<decltype(function)::value>(hn::Load(d, values + place));
      hn::Store(hn::Mul(hn::Load(d, delta + place), slope), d, delta + place);
    });
  });
}

HWY_INLINE void forward(const Network& network, int64_t lane_count) {
  const float* input = network.input;
  for (const auto& layer : network.layers) {
    multiply(network.value + layer.weight, padded(layer.in), 1, layer.out, layer.in,
             network.value + layer.bias, input, layer.output, network.tile, lane_count);
    activate(layer.output, layer.out, layer.activation, network.tile, lane_count);
    input = layer.output;
  }
}

/// A mask of the lanes from `lane` on that hold one of `count` samples.
HWY_INLINE hn::Mask<D> holds_sample(int64_t lane, int64_t count) {
  const int64_t left = std::clamp<int64_t>(count - lane, 0, lanes());
  return hn::FirstN(d, static_cast<size_t>(left));
}

/// Softmax cross-entropy of a vector of lanes.
struct CrossEntropy {
  V loss;     ///< of each sample; not finite if an output is not finite
  V inverse;  ///< 1 / the sum of exp(output - largest output)
};

template <class Visit>
HWY_INLINE CrossEntropy cross_entropy(const float* output, int64_t classes,
                                      hn::Vec<hn::RebindToSigned<D>> label, int64_t tile,
                                      Visit visit) {
  const hn::RebindToSigned<D> di;
  V largest = hn::Load(d, output);
  for (int64_t c = 1; c < classes; ++c) largest = hn::Max(largest, hn::Load(d, output + c * tile));
  V sum = hn::Zero(d);
  V chosen = hn::Zero(d);
  V poison = hn::Zero(d);  // turns to NaN where an output is infinite or NaN
  for (int64_t c = 0; c < classes; ++c) {
    const V z = hn::Load(d, output + c * tile);
    const auto is_label = hn::RebindMask(d, hn::Eq(label, hn::Set(di, static_cast<int32_t>(c))));
    poison = hn::MulAdd(z, hn::Zero(d), poison);
    chosen = hn::IfThenElse(is_label, z, chosen);
    const V power = hn::Exp(d, hn::Sub(z, largest));
    sum = hn::Add(sum, power);
    visit(c, power);
  }
  // The largest output's own loss must not be lost in its size.
  const V loss = hn::Add(hn::Add(hn::Log(d, sum), hn::Sub(largest, chosen)), poison);
  return {loss, hn::Div(hn::Set(d, 1.0F), sum)};
}

/// The sum of the losses of a tile; `delta` becomes their derivatives with respect to the outputs,
/// times `scale`.
HWY_INLINE double loss_and_delta(const Network& network, int64_t count, float scale, float* delta) {
  const int64_t n = lanes();
  const int64_t tile = network.tile;
  const auto& last = network.layers.back();
  const int64_t lane_count = lanes_of(count);
  V total = hn::Zero(d);
  if (network.loss == Loss::cross_entropy) {
    const hn::RebindToSigned<D> di;
    for (int64_t lane = 0; lane < lane_count; lane += n) {
      const auto there = holds_sample(lane, count);
      const auto label = hn::Load(di, network.label + lane);
      const V factor = hn::IfThenElseZero(there, hn::Set(d, scale));
      const auto result = cross_entropy(
          last.output + lane, last.out, label, tile,
          [&](int64_t c, V power) HWY_ATTR { hn::Store(power, d, delta + c * tile + lane); });
      const V by_sum = hn::Mul(result.inverse, factor);
      for (int64_t c = 0; c < last.out; ++c) {
        float* place = delta + c * tile + lane;
        const auto is_label =
            hn::RebindMask(d, hn::Eq(label, hn::Set(di, static_cast<int32_t>(c))));
        hn::Store(hn::MulSub(hn::Load(d, place), by_sum, hn::IfThenElseZero(is_label, factor)), d,
                  place);
      }
      total = hn::Add(total, hn::IfThenElseZero(there, result.loss));
    }
  } else {
    for (int64_t lane = 0; lane < lane_count; lane += n) {
      const auto there = holds_sample(lane, count);
      const V factor = hn::IfThenElseZero(there, hn::Set(d, 2 * scale));
      for (int64_t unit = 0; unit < last.out; ++unit) {
        const int64_t place = unit * tile + lane;
        const V error =
            hn::Sub(hn::Load(d, last.output + place), hn::Load(d, network.target + place));
        total = hn::Add(total, hn::IfThenElseZero(there, hn::Mul(error, error)));
        hn::Store(hn::Mul(error, factor), d, delta + place);
      }
    }
  }
  // Padded units have no error.
  for_each_vector(padded(last.out) - last.out, tile, lane_count, [&](int64_t place) HWY_ATTR {
    hn::Store(hn::Zero(d), d, delta + last.out * tile + place);
  });
  const double sum = static_cast<double>(hn::GetLane(hn::SumOfLanes(d, total)));
  return network.loss == Loss::squared_error ? sum / static_cast<double>(last.out) : sum;
}

HWY_INLINE void backward(Network& network, int64_t lane_count) {
  const int64_t tile = network.tile;
  float* delta = network.delta[0];
  float* next = network.delta[1];
  for (size_t l = network.layers.size(); l > 0; --l) {
    const auto& layer = network.layers[l - 1];
    const float* input = l > 1 ? network.layers[l - 2].output : network.input;
    multiply_by_slope(delta, layer.output, layer.out, layer.activation, tile, lane_count);
    float* gradient = network.gradient + layer.weight;
    const int64_t stride = padded(layer.in);
    int64_t unit = 0;
    for (; unit + 2 <= layer.out; unit += 2)
      add_gradients<2>(delta + unit * tile, input, stride, gradient + unit * stride, tile,
                       lane_count);
    if (unit < layer.out)
      add_gradients<1>(delta + unit * tile, input, stride, gradient + unit * stride, tile,
                       lane_count);
    add_bias_gradients(delta, padded(layer.out), network.gradient + layer.bias, tile, lane_count);
    if (l == 1) break;
    multiply(network.value + layer.weight, 1, stride, layer.in, layer.out, nullptr, delta, next,
             tile, lane_count);
    for_each_vector(stride - layer.in, tile, lane_count, [&](int64_t place) HWY_ATTR {
      hn::Store(hn::Zero(d), d, next + layer.in * tile + place);
    });
    std::swap(delta, next);
  }
}

HWY_INLINE void gather_tile(const Network& network, const Samples& samples, const int64_t* rows,
                            int64_t first, int64_t count) {
  const auto& layers = network.layers;
  gather(samples.inputs, padded(layers.front().in), rows, first, count, network.input,
         network.tile);
  if (samples.labels != nullptr) {
    const int64_t end = lanes_of(count);
    for (int64_t i = 0; i < end; ++i) {
      const int64_t place = std::min(i, count - 1);
      network.label[i] = samples.labels[rows != nullptr ? rows[place] : first + place];
    }
  }
  if (samples.targets != nullptr)
    gather(samples.targets, padded(layers.back().out), rows, first, count, network.target,
           network.tile);
}

/// Calls `change(w, g, place)` for each vector of values with its gradient, and then sets the
/// gradient to zero.
template <class Change>
HWY_INLINE void update_values(Network& network, double weight_decay, Change change) {
  for (int64_t i = 0; i < network.size; i += lanes()) {
    V w = hn::Load(d, network.value + i);
    const V decay = hn::Set(d, i < network.weights ? static_cast<float>(weight_decay) : 0.0F);
    change(w, hn::MulAdd(decay, w, hn::Load(d, network.gradient + i)), i);
    hn::Store(w, d, network.value + i);
    hn::Store(hn::Zero(d), d, network.gradient + i);
  }
}

HWY_INLINE void update(Network& network, Optimizer& optimizer) {
  ++optimizer.steps;
  if (const auto* adam = std::get_if<Adam>(&optimizer.rule)) {
    const auto step = simd::adam_step(*adam, optimizer.steps);
    update_values(network, optimizer.decay, [&](V& w, V g, int64_t i) HWY_ATTR {
      V m = hn::Load(d, network.first + i);
      V v = hn::Load(d, network.second + i);
      simd::take_step(step, g, w, m, v);
      hn::Store(m, d, network.first + i);
      hn::Store(v, d, network.second + i);
    });
    return;
  }
  const auto sgd = std::get<Sgd>(optimizer.rule);
  update_values(network, optimizer.decay, [&](V& w, V g, int64_t i) HWY_ATTR {
    V velocity = hn::Load(d, network.first + i);
    simd::take_step(sgd, g, w, velocity);
    hn::Store(velocity, d, network.first + i);
  });
}

double train(Network& network, Optimizer& optimizer, const Samples& samples, const int64_t* rows,
             int64_t count, int64_t batch_size) {
  double sum = 0;
  for (int64_t begin = 0; begin < count; begin += batch_size) {
    const int64_t size = std::min(batch_size, count - begin);
    double scale = 1 / static_cast<double>(size);
    if (network.loss == Loss::squared_error)
      scale /= static_cast<double>(network.layers.back().out);
    for (int64_t first = 0; first < size; first += network.tile) {
      const int64_t some = std::min(network.tile, size - first);
      gather_tile(network, samples, rows + begin + first, 0, some);
      forward(network, lanes_of(some));
      sum += loss_and_delta(network, some, static_cast<float>(scale), network.delta[0]);
      backward(network, lanes_of(some));
    }
    update(network, optimizer);
  }
  return sum;
}

/// The number of samples in a tile whose largest output (the first of equal ones) is that of their
/// label; NaN if an output is not finite.
HWY_INLINE double hits(const Network& network, int64_t count) {
  const hn::RebindToSigned<D> di;
  const auto& last = network.layers.back();
  V total = hn::Zero(d);
  for (int64_t lane = 0; lane < lanes_of(count); lane += lanes()) {
    V largest = hn::Load(d, last.output + lane);
    V poison = hn::Mul(largest, hn::Zero(d));
    auto where = hn::Zero(di);
    for (int64_t c = 1; c < last.out; ++c) {
      const V z = hn::Load(d, last.output + c * network.tile + lane);
      poison = hn::MulAdd(z, hn::Zero(d), poison);
      const auto larger = hn::Gt(z, largest);
      largest = hn::IfThenElse(larger, z, largest);
      where =
          hn::IfThenElse(hn::RebindMask(di, larger), hn::Set(di, static_cast<int32_t>(c)), where);
    }
    const auto right = hn::RebindMask(d, hn::Eq(where, hn::Load(di, network.label + lane)));
    const V one = hn::Add(hn::IfThenElseZero(right, hn::Set(d, 1.0F)), poison);
    total = hn::Add(total, hn::IfThenElseZero(holds_sample(lane, count), one));
  }
  return static_cast<double>(hn::GetLane(hn::SumOfLanes(d, total)));
}

Sums evaluate(Network& network, const Samples& samples, const int64_t* rows, int64_t count) {
  Sums sums;
  for (int64_t first = 0; first < count; first += network.tile) {
    const int64_t some = std::min(network.tile, count - first);
    gather_tile(network, samples, rows != nullptr ? rows + first : nullptr, first, some);
    forward(network, lanes_of(some));
    sums.loss += loss_and_delta(network, some, 1.0F, network.delta[0]);
    if (network.loss == Loss::cross_entropy) sums.hits += hits(network, some);
  }
  return sums;
}

}  // namespace HWY_NAMESPACE
}  // namespace layerwise::tiny
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace layerwise::tiny {

HWY_EXPORT(train);
HWY_EXPORT(evaluate);

double train(Network& network, Optimizer& optimizer, const Samples& samples, const int64_t* rows,
             int64_t count, int64_t batch_size) {
  return HWY_DYNAMIC_DISPATCH(train)(network, optimizer, samples, rows, count, batch_size);
}

Sums evaluate(Network& network, const Samples& samples, const int64_t* rows, int64_t count) {
  return HWY_DYNAMIC_DISPATCH(evaluate)(network, samples, rows, count);
}

}  // namespace layerwise::tiny
#endif
