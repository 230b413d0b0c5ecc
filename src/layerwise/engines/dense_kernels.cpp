/// The dense engine's passes over memory, for each instruction set that Highway supports.
///
/// Between two products, a matrix of some hundred thousand floats is in the second-level cache, so
/// the number of passes over it determines the time. Everything that can be done with a number is
/// done while it is in a register: bias and activation; loss, its gradient, the derivative of the
/// activation and the gradient of the bias; the whole of Adam; and each time the rounding to
/// bfloat16.
///
/// Rows are processed in their order, and one vector of column sums for the gradient of the bias
/// stays in the first-level cache. The rest of a row after its last complete vector is loaded and
/// stored by count.
#include "layerwise/engines/dense_kernels.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "layerwise/engines/dense_kernels.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include "layerwise/engines/simd_math-inl.h"
#include "layerwise/philox.h"

HWY_BEFORE_NAMESPACE();
namespace layerwise::dense_kernels {
namespace HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;
namespace simd = layerwise::simd::HWY_NAMESPACE;

using simd::D;
using simd::d;
using simd::lanes;
using simd::V;

/// Loads and stores floats: a complete vector, or fewer at the end of a row, filled with zeros when
/// loaded.
struct Whole {
  HWY_INLINE V load(const float* from) const { return hn::LoadU(d, from); }
  HWY_INLINE void store(V v, float* to) const { hn::StoreU(v, d, to); }
  HWY_INLINE void store_bf16(V v, uint16_t* to) const { simd::store_bf16(v, to); }
};
struct Part {
  int64_t count;

  HWY_INLINE V load(const float* from) const {
    HWY_ALIGN float room[HWY_MAX_BYTES / sizeof(float)] = {};
    std::copy_n(from, count, room);
    return hn::Load(d, room);
  }
  HWY_INLINE void store(V v, float* to) const {
    HWY_ALIGN float room[HWY_MAX_BYTES / sizeof(float)];
    hn::Store(v, d, room);
    std::copy_n(room, count, to);
  }
  HWY_INLINE void store_bf16(V v, uint16_t* to) const {
    HWY_ALIGN uint16_t room[HWY_MAX_BYTES / sizeof(float)];
    simd::store_bf16(v, room);
    std::copy_n(room, count, to);
  }
};

/// Calls `visit(place, how)` for the vectors of `count` floats.
template <class Visit>
HWY_INLINE void for_each_vector(int64_t count, Visit visit) {
  const int64_t n = lanes();
  int64_t i = 0;
  for (; i + n <= count; i += n) visit(i, Whole());
  if (i < count) visit(i, Part{count - i});
}

/// The same for each row of a matrix; `place` is the index in the matrix, `column` the index in the
/// row.
template <class Visit>
HWY_INLINE void for_each_vector(int64_t rows, int64_t columns, Visit visit) {
  for (int64_t row = 0; row < rows; ++row) {
    for_each_vector(columns, [&](int64_t column, auto how)
                                 HWY_ATTR { visit(row * columns + column, column, how); });
  }
}

template <class How>
HWY_INLINE void put(How how, V v, float* to, uint16_t* bf16, int64_t place) {
  how.store(v, to + place);
  if (bf16 != nullptr) how.store_bf16(v, bf16 + place);
}

template <class How>
HWY_INLINE void add_to(How how, V v, float* sums) {
  how.store(hn::Add(how.load(sums), v), sums);
}

void gather_bytes(const uint8_t* from, int64_t columns, const int64_t* rows, int64_t count,
                  float* to, uint16_t* bf16) {
  const hn::Rebind<uint8_t, D> d8;
  const hn::Rebind<int32_t, D> d32;
  const V largest = hn::Set(d, 255.0F);
  for (int64_t i = 0; i < count; ++i) {
    const uint8_t* row = from + rows[i] * columns;
    for_each_vector(columns, [&](int64_t column, auto how) HWY_ATTR {
      HWY_ALIGN uint8_t room[HWY_MAX_BYTES] = {};
      const uint8_t* bytes = row + column;
      if constexpr (std::is_same_v<decltype(how), Part>) {
        std::copy_n(bytes, how.count, room);
        bytes = room;
      }
      const V value = hn::ConvertTo(d, hn::PromoteTo(d32, hn::LoadU(d8, bytes)));
      put(how, hn::Div(value, largest), to, bf16, i * columns + column);
    });
  }
}

void gather_floats(const float* from, int64_t columns, const int64_t* rows, int64_t count,
                   float* to, uint16_t* bf16) {
  for (int64_t i = 0; i < count; ++i) {
    const float* row = from + rows[i] * columns;
    for_each_vector(columns, [&](int64_t column, auto how) HWY_ATTR {
      put(how, how.load(row + column), to, bf16, i * columns + column);
    });
  }
}

void round_to_bf16(const float* from, int64_t count, uint16_t* to) {
  for_each_vector(count, [&](int64_t place, auto how)
                             HWY_ATTR { how.store_bf16(how.load(from + place), to + place); });
}

void add_bias_and_activate(float* y, const float* bias, int64_t rows, int64_t columns,
                           Activation activation, uint16_t* bf16) {
  simd::with_activation(activation, [&](auto function) HWY_ATTR {
    for_each_vector(rows, columns, [&](int64_t place, int64_t column, auto how) HWY_ATTR {
      const V sum = hn::Add(how.load(y + place), how.load(bias + column));
      put(how, simd::activated<decltype(function)::value>(sum), y, bf16, place);
    });
  });
}

void through_activation(float* delta, const float* y, int64_t rows, int64_t columns,
                        Activation activation, float* bias_gradient, uint16_t* bf16) {
  std::fill_n(bias_gradient, columns, 0.0F);
  simd::with_activation(activation, [&](auto function) HWY_ATTR {
    for_each_vector(rows, columns, [&](int64_t place, int64_t column, auto how) HWY_ATTR {
      const V slope = simd::slope<decltype(function)::value>(how.load(y + place));
      const V change = hn::Mul(how.load(delta + place), slope);
      put(how, change, delta, bf16, place);
      add_to(how, change, bias_gradient + column);
    });
  });
}

/// The sum over rows. Sums within a row are floats, sums over rows are doubles.
template <class Row>
HWY_INLINE double sum_of_rows(int64_t rows, Row row_sum) {
  double sum = 0;
  for (int64_t row = 0; row < rows; ++row)
    sum += static_cast<double>(hn::GetLane(hn::SumOfLanes(d, row_sum(row))));
  return sum;
}

double sum_of_squared_errors(const float* y, const float* target, int64_t count) {
  constexpr int64_t some = 4096;  // floats whose sum may be a float
  double sum = 0;
  for (int64_t begin = 0; begin < count; begin += some) {
    V total = hn::Zero(d);
    for_each_vector(std::min(some, count - begin), [&](int64_t place, auto how) HWY_ATTR {
      const V error = hn::Sub(how.load(y + begin + place), how.load(target + begin + place));
      total = hn::MulAdd(error, error, total);
    });
    sum += static_cast<double>(hn::GetLane(hn::SumOfLanes(d, total)));
  }
  return sum;
}

double squared_error(float* y, const float* target, int64_t rows, int64_t columns,
                     Activation activation, float scale, float* bias_gradient, uint16_t* bf16) {
  std::fill_n(bias_gradient, columns, 0.0F);
  const V factor = hn::Set(d, 2 * scale);
  double sum = 0;
  simd::with_activation(activation, [&](auto function) HWY_ATTR {
    sum = sum_of_rows(rows, [&](int64_t row) HWY_ATTR {
      V total = hn::Zero(d);
      for_each_vector(columns, [&](int64_t column, auto how) HWY_ATTR {
        const int64_t place = row * columns + column;
        const V value = how.load(y + place);
        const V error = hn::Sub(value, how.load(target + place));
        total = hn::MulAdd(error, error, total);
        const V change =
            hn::Mul(hn::Mul(error, factor), simd::slope<decltype(function)::value>(value));
        put(how, change, y, bf16, place);
        add_to(how, change, bias_gradient + column);
      });
      return total;
    });
  });
  return sum;
}

/// log(x), but at least -100, as in LibTorch's binary cross-entropy.
HWY_INLINE V bounded_log(V x) {
  const V lowest = hn::Set(d, -100.0F);
  const auto tiny = hn::Lt(x, hn::Set(d, 1e-37F));
  const V value = hn::Log(d, hn::IfThenElse(tiny, hn::Set(d, 1.0F), x));
  return hn::IfThenElse(tiny, lowest, value);
}

double binary_cross_entropy(float* y, const float* target, int64_t rows, int64_t columns,
                            float scale, float* bias_gradient, uint16_t* bf16) {
  std::fill_n(bias_gradient, columns, 0.0F);
  const V factor = hn::Set(d, scale);
  const V one = hn::Set(d, 1.0F);
  return sum_of_rows(rows, [&](int64_t row) HWY_ATTR {
    V total = hn::Zero(d);
    for_each_vector(columns, [&](int64_t column, auto how) HWY_ATTR {
      const int64_t place = row * columns + column;
      const V value = how.load(y + place);
      const V wanted = how.load(target + place);
      const V yes = hn::Mul(wanted, bounded_log(value));
      const V no = hn::Mul(hn::Sub(one, wanted), bounded_log(hn::Sub(one, value)));
      V loss = hn::MulAdd(value, hn::Zero(d), hn::Neg(hn::Add(yes, no)));  // NaN stays NaN
      if constexpr (std::is_same_v<decltype(how), Part>)  // zeros behind the end cost log(0)
        loss = hn::IfThenElseZero(hn::FirstN(d, static_cast<size_t>(how.count)), loss);
      total = hn::Add(total, loss);
      const V change = hn::Mul(hn::Sub(value, wanted), factor);
      put(how, change, y, bf16, place);
      add_to(how, change, bias_gradient + column);
    });
    return total;
  });
}

double cross_entropy(float* y, const int64_t* labels, int64_t rows, int64_t columns,
                     Activation activation, float scale, float* bias_gradient, uint16_t* bf16) {
  std::fill_n(bias_gradient, columns, 0.0F);
  double sum = 0;
  simd::with_activation(activation, [&](auto function) HWY_ATTR {
    for (int64_t row = 0; row < rows; ++row) {
      float* output = y + row * columns;
      const float largest = *std::max_element(output, output + columns);
      double total = 0;
      double poison = 0;  // turns to NaN where an output is infinite or NaN
      const float chosen = output[labels[row]];
      for (int64_t c = 0; c < columns; ++c) {
        total += std::exp(static_cast<double>(output[c] - largest));
        poison += 0 * static_cast<double>(output[c]);
      }
      sum += std::log(total) + static_cast<double>(largest - chosen) + poison;
      const V shift = hn::Set(d, largest);
      const V inverse = hn::Set(d, static_cast<float>(1 / total));
      const V factor = hn::Set(d, scale);
      for_each_vector(columns, [&](int64_t column, auto how) HWY_ATTR {
        const V value = how.load(output + column);
        V share = hn::Mul(hn::Exp(d, hn::Sub(value, shift)), inverse);
        const int64_t place = labels[row] - column;
        if (place >= 0 && place < lanes()) {
          HWY_ALIGN float one_hot[HWY_MAX_BYTES / sizeof(float)] = {};
          one_hot[place] = 1;
          share = hn::Sub(share, hn::Load(d, one_hot));
        }
        const V change =
            hn::Mul(hn::Mul(share, factor), simd::slope<decltype(function)::value>(value));
        put(how, change, y, bf16, row * columns + column);
        add_to(how, change, bias_gradient + column);
      });
    }
  });
  return sum;
}

/// Plain loops, which the compiler makes vectors of.
void sample_bernoulli(const float* means, int64_t rows, int64_t columns, const NoiseCounter& noise,
                      float* states) {
  constexpr int64_t numbers = 4 * PhiloxLanes::count;
  for (int64_t row = 0; row < rows; ++row) {
    for (int64_t begin = 0; begin < columns; begin += numbers) {
      PhiloxLanes x;
      for (int64_t i = 0; i < PhiloxLanes::count; ++i) {
        x.word[0][i] = static_cast<uint32_t>(begin / 4 + i);
        x.word[1][i] = static_cast<uint32_t>(noise.rows[row]);
        x.word[2][i] = noise.step;
        x.word[3][i] = noise.stage;
      }
      x.encrypt(noise.key);
      double uniform[numbers];
      for (int64_t i = 0; i < PhiloxLanes::count; ++i) {
        for (int64_t word = 0; word < 4; ++word)
          uniform[4 * i + word] = (x.word[word][i] + 0.5) * 0x1p-32;
      }
      const float* mean = means + row * columns + begin;
      float* state = states + row * columns + begin;
      const int64_t count = std::min(numbers, columns - begin);
      for (int64_t i = 0; i < count; ++i)
        state[i] = uniform[i] < static_cast<double>(mean[i]) ? 1.0F : 0.0F;
    }
  }
}

void scale_and_sum(float* m, int64_t rows, int64_t columns, float factor, float* column_sums) {
  std::fill_n(column_sums, columns, 0.0F);
  const V scale = hn::Set(d, factor);
  for_each_vector(rows, columns, [&](int64_t place, int64_t column, auto how) HWY_ATTR {
    const V value = hn::Mul(how.load(m + place), scale);
    how.store(value, m + place);
    add_to(how, value, column_sums + column);
  });
}

void update_sgd(const Sgd& sgd, float* w, const float* gradient, float* velocity, int64_t count,
                double decay, uint16_t* bf16) {
  const V pull = hn::Set(d, static_cast<float>(decay));
  for_each_vector(count, [&](int64_t place, auto how) HWY_ATTR {
    V weight = how.load(w + place);
    V speed = how.load(velocity + place);
    simd::take_step(sgd, hn::MulAdd(pull, weight, how.load(gradient + place)), weight, speed);
    how.store(speed, velocity + place);
    put(how, weight, w, bf16, place);
  });
}

void update_adam(const Adam& adam, int64_t number, float* w, const float* gradient, float* m,
                 float* v, int64_t count, double decay, uint16_t* bf16) {
  const auto step = simd::adam_step(adam, number);
  const V pull = hn::Set(d, static_cast<float>(decay));
  for_each_vector(count, [&](int64_t place, auto how) HWY_ATTR {
    V weight = how.load(w + place);
    V first = how.load(m + place);
    V second = how.load(v + place);
    simd::take_step(step, hn::MulAdd(pull, weight, how.load(gradient + place)), weight, first,
                    second);
    how.store(first, m + place);
    how.store(second, v + place);
    put(how, weight, w, bf16, place);
  });
}

}  // namespace HWY_NAMESPACE
}  // namespace layerwise::dense_kernels
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace layerwise::dense_kernels {

HWY_EXPORT(gather_bytes);
HWY_EXPORT(gather_floats);
HWY_EXPORT(round_to_bf16);
HWY_EXPORT(add_bias_and_activate);
HWY_EXPORT(through_activation);
HWY_EXPORT(sum_of_squared_errors);
HWY_EXPORT(squared_error);
HWY_EXPORT(binary_cross_entropy);
HWY_EXPORT(cross_entropy);
HWY_EXPORT(sample_bernoulli);
HWY_EXPORT(scale_and_sum);
HWY_EXPORT(update_sgd);
HWY_EXPORT(update_adam);

void gather_bytes(const uint8_t* from, int64_t columns, const int64_t* rows, int64_t count,
                  float* to, uint16_t* bf16) {
  HWY_DYNAMIC_DISPATCH(gather_bytes)(from, columns, rows, count, to, bf16);
}

void gather_floats(const float* from, int64_t columns, const int64_t* rows, int64_t count,
                   float* to, uint16_t* bf16) {
  HWY_DYNAMIC_DISPATCH(gather_floats)(from, columns, rows, count, to, bf16);
}

void round_to_bf16(const float* from, int64_t count, uint16_t* to) {
  HWY_DYNAMIC_DISPATCH(round_to_bf16)(from, count, to);
}

void add_bias_and_activate(float* y, const float* bias, int64_t rows, int64_t columns,
                           Activation activation, uint16_t* bf16) {
  HWY_DYNAMIC_DISPATCH(add_bias_and_activate)(y, bias, rows, columns, activation, bf16);
}

void through_activation(float* delta, const float* y, int64_t rows, int64_t columns,
                        Activation activation, float* bias_gradient, uint16_t* bf16) {
  HWY_DYNAMIC_DISPATCH(through_activation)
  (delta, y, rows, columns, activation, bias_gradient, bf16);
}

double squared_error(const float* y, const float* target, int64_t count) {
  return HWY_DYNAMIC_DISPATCH(sum_of_squared_errors)(y, target, count);
}

double squared_error(float* y, const float* target, int64_t rows, int64_t columns,
                     Activation activation, float scale, float* bias_gradient, uint16_t* bf16) {
  return HWY_DYNAMIC_DISPATCH(squared_error)(y, target, rows, columns, activation, scale,
                                             bias_gradient, bf16);
}

double binary_cross_entropy(float* y, const float* target, int64_t rows, int64_t columns,
                            float scale, float* bias_gradient, uint16_t* bf16) {
  return HWY_DYNAMIC_DISPATCH(binary_cross_entropy)(y, target, rows, columns, scale, bias_gradient,
                                                    bf16);
}

double cross_entropy(float* y, const int64_t* labels, int64_t rows, int64_t columns,
                     Activation activation, float scale, float* bias_gradient, uint16_t* bf16) {
  return HWY_DYNAMIC_DISPATCH(cross_entropy)(y, labels, rows, columns, activation, scale,
                                             bias_gradient, bf16);
}

void sample_bernoulli(const float* means, int64_t rows, int64_t columns, const NoiseCounter& noise,
                      float* states) {
  HWY_DYNAMIC_DISPATCH(sample_bernoulli)(means, rows, columns, noise, states);
}

void scale_and_sum(float* m, int64_t rows, int64_t columns, float factor, float* column_sums) {
  HWY_DYNAMIC_DISPATCH(scale_and_sum)(m, rows, columns, factor, column_sums);
}

void update(const Sgd& sgd, float* w, const float* gradient, float* velocity, int64_t count,
            double decay, uint16_t* bf16) {
  HWY_DYNAMIC_DISPATCH(update_sgd)(sgd, w, gradient, velocity, count, decay, bf16);
}

void update(const Adam& adam, int64_t step, float* w, const float* gradient, float* m, float* v,
            int64_t count, double decay, uint16_t* bf16) {
  HWY_DYNAMIC_DISPATCH(update_adam)(adam, step, w, gradient, m, v, count, decay, bf16);
}

}  // namespace layerwise::dense_kernels
#endif
