#include "layerwise/engines/rbm_kernels.h"

#include <algorithm>
#include <type_traits>
#include <utility>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "layerwise/engines/rbm_kernels.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include "layerwise/engines/simd_math-inl.h"

HWY_BEFORE_NAMESPACE();
namespace layerwise::rbm_kernels {
namespace HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;
namespace simd = layerwise::simd::HWY_NAMESPACE;

using simd::d;
using simd::lanes;
using simd::V;

/// Calls `body(begin, count)` for blocks of `most` of the numbers begin, ..., end - 1, and for the
/// rest with a smaller count, which is a compile-time constant.
template <int64_t most, class Body>
HWY_INLINE void in_blocks(int64_t begin, int64_t end, Body body) {
  for (; begin + most <= end; begin += most) body(begin, std::integral_constant<int64_t, most>());
  if constexpr (most > 1) in_blocks<most - 1>(begin, end, body);
}

/// Dot products of `rows` rows of v with `units` rows of w: `visible` numbers each.
template <int64_t rows, int64_t units>
HWY_INLINE void dot_products(const float* v, const float* w, Shape shape, float* sums) {
  V total[rows][units];
  for (auto& row : total) {
    for (auto& sum : row) sum = hn::Zero(d);
  }
  const int64_t n = lanes();
  int64_t i = 0;
  for (; i + n <= shape.visible; i += n) {
    V value[rows];
    for (int64_t r = 0; r < rows; ++r) value[r] = hn::LoadU(d, v + r * shape.visible + i);
    for (int64_t u = 0; u < units; ++u) {
      const V weight = hn::LoadU(d, w + u * shape.visible + i);
      for (int64_t r = 0; r < rows; ++r) total[r][u] = hn::MulAdd(value[r], weight, total[r][u]);
    }
  }
  for (int64_t r = 0; r < rows; ++r) {
    for (int64_t u = 0; u < units; ++u) {
      float sum = hn::GetLane(hn::SumOfLanes(d, total[r][u]));
      for (int64_t j = i; j < shape.visible; ++j)
        sum += v[r * shape.visible + j] * w[u * shape.visible + j];
      sums[r * shape.hidden + u] = sum;
    }
  }
}

void up(const float* v, const float* w, int64_t rows, Shape shape, int64_t begin, int64_t end,
        float* sums) {
  in_blocks<4>(begin, end, [&](int64_t unit, auto units) HWY_ATTR {
    in_blocks<3>(0, rows, [&](int64_t row, auto some) HWY_ATTR {
      dot_products<decltype(some)::value, decltype(units)::value>(v + row * shape.visible,
                                                                  w + unit * shape.visible, shape,
                                                                  sums + row * shape.hidden + unit);
    });
  });
}

/// Adds up `terms` rows of w, each times a number: the columns of `vectors` vectors, for `rows`
/// rows of factors.
/// @param factors [rows][...], `stride` apart from row to row, `step` from term to term
template <int64_t rows, int64_t vectors>
HWY_INLINE void weighted_rows(const float* factors, int64_t stride, int64_t step, const float* w,
                              int64_t columns, int64_t terms, V (&total)[rows][vectors]) {
  const int64_t n = lanes();
  for (auto& row : total) {
    for (auto& sum : row) sum = hn::Zero(d);
  }
  for (int64_t term = 0; term < terms; ++term) {
    V weight[vectors];
    for (int64_t c = 0; c < vectors; ++c) weight[c] = hn::LoadU(d, w + term * columns + c * n);
    for (int64_t r = 0; r < rows; ++r) {
      const V factor = hn::Set(d, factors[r * stride + term * step]);
      for (int64_t c = 0; c < vectors; ++c)
        total[r][c] = hn::MulAdd(factor, weight[c], total[r][c]);
    }
  }
}

/// The same for a single column, with the same rounding.
HWY_INLINE float weighted_rows(const float* factors, int64_t step, const float* w, int64_t columns,
                               int64_t terms) {
  V total = hn::Zero(d);
  for (int64_t term = 0; term < terms; ++term)
    total = hn::MulAdd(hn::Set(d, factors[term * step]), hn::Set(d, w[term * columns]), total);
  return hn::GetLane(total);
}

void down(const float* h, const float* w, int64_t rows, Shape shape, int64_t begin, int64_t end,
          float* sums) {
  const int64_t n = lanes();
  const int64_t whole = begin + (end - begin) / n * n;
  in_blocks<2>(0, (whole - begin) / n, [&](int64_t vector, auto vectors) HWY_ATTR {
    const int64_t column = begin + vector * n;
    in_blocks<5>(0, rows, [&](int64_t row, auto some) HWY_ATTR {
      V total[decltype(some)::value][decltype(vectors)::value];
      weighted_rows(h + row * shape.hidden, shape.hidden, 1, w + column, shape.visible,
                    shape.hidden, total);
      for (int64_t r = 0; r < decltype(some)::value; ++r) {
        for (int64_t c = 0; c < decltype(vectors)::value; ++c)
          hn::StoreU(total[r][c], d, sums + (row + r) * shape.visible + column + c * n);
      }
    });
  });
  for (int64_t row = 0; row < rows; ++row) {
    for (int64_t column = whole; column < end; ++column) {
      sums[row * shape.visible + column] =
          weighted_rows(h + row * shape.hidden, 1, w + column, shape.visible, shape.hidden);
    }
  }
}

void update(const Sgd& sgd, double decay, const float* h, const float* v, int64_t rows, Shape shape,
            int64_t begin, int64_t end, float* w, float* velocity) {
  const int64_t n = lanes();
  const V pull = hn::Set(d, static_cast<float>(decay));
  const int64_t whole = shape.visible / n;
  in_blocks<4>(begin, end, [&](int64_t unit, auto units) HWY_ATTR {
    in_blocks<2>(0, whole, [&](int64_t vector, auto vectors) HWY_ATTR {
      const int64_t column = vector * n;
      V gradient[decltype(units)::value][decltype(vectors)::value];
      weighted_rows(h + unit, 1, shape.hidden, v + column, shape.visible, rows, gradient);
      for (int64_t u = 0; u < decltype(units)::value; ++u) {
        for (int64_t c = 0; c < decltype(vectors)::value; ++c) {
          const int64_t place = (unit + u) * shape.visible + column + c * n;
          V weight = hn::LoadU(d, w + place);
          V speed = velocity != nullptr ? hn::LoadU(d, velocity + place) : hn::Zero(d);
          simd::take_step(sgd, hn::MulAdd(pull, weight, gradient[u][c]), weight, speed);
          hn::StoreU(weight, d, w + place);
          if (velocity != nullptr) hn::StoreU(speed, d, velocity + place);
        }
      }
    });
    for (int64_t u = 0; u < decltype(units)::value; ++u) {
      for (int64_t column = whole * n; column < shape.visible; ++column) {
        const int64_t place = (unit + u) * shape.visible + column;
        const float gradient =
            weighted_rows(h + unit + u, shape.hidden, v + column, shape.visible, rows);
        V weight = hn::Set(d, w[place]);
        V speed = velocity != nullptr ? hn::Set(d, velocity[place]) : hn::Zero(d);
        simd::take_step(sgd, hn::MulAdd(pull, weight, hn::Set(d, gradient)), weight, speed);
        w[place] = hn::GetLane(weight);
        if (velocity != nullptr) velocity[place] = hn::GetLane(speed);
      }
    }
  });
}

}  // namespace HWY_NAMESPACE
}  // namespace layerwise::rbm_kernels
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace layerwise::rbm_kernels {

HWY_EXPORT(up);
HWY_EXPORT(down);
HWY_EXPORT(update);

void up(const float* v, const float* w, int64_t rows, Shape shape, int64_t begin, int64_t end,
        float* sums) {
  HWY_DYNAMIC_DISPATCH(up)(v, w, rows, shape, begin, end, sums);
}

void down(const float* h, const float* w, int64_t rows, Shape shape, int64_t begin, int64_t end,
          float* sums) {
  HWY_DYNAMIC_DISPATCH(down)(h, w, rows, shape, begin, end, sums);
}

void update(const Sgd& sgd, double decay, const float* h, const float* v, int64_t rows, Shape shape,
            int64_t begin, int64_t end, float* w, float* velocity) {
  HWY_DYNAMIC_DISPATCH(update)(sgd, decay, h, v, rows, shape, begin, end, w, velocity);
}

}  // namespace layerwise::rbm_kernels
#endif
