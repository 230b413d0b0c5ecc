/// The functions that the kernels of the tiny and the dense engine share, for each of Highway's
/// targets. Highway's pattern includes this file once per target, so there is no #pragma once.
#if defined(LAYERWISE_SIMD_MATH_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef LAYERWISE_SIMD_MATH_INL_H
#undef LAYERWISE_SIMD_MATH_INL_H
#else
#define LAYERWISE_SIMD_MATH_INL_H
#endif

#include <hwy/contrib/math/math-inl.h>
#include <hwy/highway.h>

#include <cmath>
#include <cstdint>
#include <type_traits>

#include "layerwise/engines/kernel_activations.h"
#include "layerwise/nn/activation_kind.h"
#include "layerwise/train/fit.h"

HWY_BEFORE_NAMESPACE();
namespace layerwise::simd {
namespace HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

/// The widest vector of floats that the target has.
using D = hn::ScalableTag<float>;
using V = hn::Vec<D>;
constexpr D d;

HWY_INLINE int64_t lanes() {
  return static_cast<int64_t>(hn::Lanes(d));
}

template <class Body, Activation... A>
HWY_INLINE void with_activation(Activation activation, Body body, Activations<A...>) {
  const auto take = [&](auto candidate) HWY_ATTR {
    if (candidate() != activation) return false;
    body(candidate);
    return true;
  };
  if (!(take(std::integral_constant<Activation, A>()) || ...)) refuse_activation();
}

/// Calls `body` with the activation as a compile-time constant.
template <class Body>
HWY_INLINE void with_activation(Activation activation, Body body) {
  with_activation(activation, body, KernelActivations());
}

constexpr auto leaky_slope = static_cast<float>(leaky_relu_slope);
constexpr auto scale = static_cast<float>(selu_scale);
constexpr auto alpha = static_cast<float>(selu_alpha);

/// Applies an activation. NaN stays NaN, whatever the instructions for minimum and maximum do with
/// it, because a fit that diverges is recognized by its NaN.
template <Activation A>
HWY_INLINE V activated(V x) {
  const V zero = hn::Zero(d);
  const V one = hn::Set(d, 1.0F);
  const auto negative = hn::Lt(x, zero);
  if constexpr (A == Activation::relu) {
    return hn::IfThenZeroElse(negative, x);
  } else if constexpr (A == Activation::leaky_relu) {
    return hn::IfThenElse(negative, hn::Mul(x, hn::Set(d, leaky_slope)), x);
  } else if constexpr (A == Activation::elu) {
    return hn::IfThenElse(negative, hn::Expm1(d, hn::Min(x, zero)), x);
  } else if constexpr (A == Activation::selu) {
    const V below = hn::Mul(hn::Set(d, alpha), hn::Expm1(d, hn::Min(x, zero)));
    return hn::Mul(hn::Set(d, scale), hn::IfThenElse(negative, below, x));
  } else if constexpr (A == Activation::tanh) {
    return hn::IfThenElse(hn::Eq(x, x), hn::Tanh(d, x), x);
  } else if constexpr (A == Activation::sigmoid) {
    const V power = hn::Exp(d, hn::Neg(hn::Abs(x)));  // at most 1
    const V high = hn::Div(one, hn::Add(one, power));
    const V value = hn::IfThenElse(negative, hn::Mul(power, high), high);
    return hn::IfThenElse(hn::Eq(x, x), value, x);
  } else {
    static_assert(A == Activation::linear, "an activation in the list without its kernel");
    return x;
  }
}

/// The derivative of an activation, computed from its output `y`.
template <Activation A>
HWY_INLINE V slope(V y) {
  const V one = hn::Set(d, 1.0F);
  const auto positive = hn::Gt(y, hn::Zero(d));
  if constexpr (A == Activation::relu) {
    return hn::IfThenElseZero(positive, one);
  } else if constexpr (A == Activation::leaky_relu) {
    return hn::IfThenElse(positive, one, hn::Set(d, leaky_slope));
  } else if constexpr (A == Activation::elu) {
    return hn::IfThenElse(positive, one, hn::Add(y, one));
  } else if constexpr (A == Activation::selu) {
    return hn::IfThenElse(positive, hn::Set(d, scale), hn::Add(y, hn::Set(d, scale * alpha)));
  } else if constexpr (A == Activation::tanh) {
    return hn::NegMulAdd(y, y, one);
  } else if constexpr (A == Activation::sigmoid) {
    return hn::NegMulAdd(y, y, y);
  } else {
    static_assert(A == Activation::linear, "an activation in the list without its kernel");
    return one;
  }
}

/// v <- momentum v + g, w <- w - learning_rate v; with Nesterov momentum, w <- w - learning_rate (g
/// + momentum v).
HWY_INLINE void take_step(const Sgd& sgd, V g, V& w, V& velocity) {
  const V momentum = hn::Set(d, static_cast<float>(sgd.momentum));
  velocity = hn::MulAdd(momentum, velocity, g);
  const V move = sgd.nesterov ? hn::MulAdd(momentum, velocity, g) : velocity;
  w = hn::NegMulAdd(hn::Set(d, static_cast<float>(sgd.learning_rate)), move, w);
}

/// Adam's constants for one step.
struct AdamStep {
  float beta1;
  float beta2;
  float rest1;  ///< 1 - beta1
  float rest2;
  float epsilon;
  float rate;   ///< learning rate / bias correction of the first moment
  float scale;  ///< 1 / square root of the bias correction of the second moment
};

/// @param step from 1
inline AdamStep adam_step(const Adam& adam, int64_t step) {
  const auto exponent = static_cast<double>(step);
  const double correction1 = 1 - std::pow(adam.beta1, exponent);
  const double correction2 = 1 - std::pow(adam.beta2, exponent);
  return {static_cast<float>(adam.beta1),
          static_cast<float>(adam.beta2),
          static_cast<float>(1 - adam.beta1),
          static_cast<float>(1 - adam.beta2),
          static_cast<float>(adam.epsilon),
          static_cast<float>(adam.learning_rate / correction1),
          static_cast<float>(1 / std::sqrt(correction2))};
}

HWY_INLINE void take_step(const AdamStep& step, V g, V& w, V& m, V& v) {
  m = hn::MulAdd(hn::Set(d, step.beta1), m, hn::Mul(hn::Set(d, step.rest1), g));
  v = hn::MulAdd(hn::Set(d, step.beta2), v, hn::Mul(hn::Set(d, step.rest2), hn::Mul(g, g)));
  const V root = hn::MulAdd(hn::Sqrt(v), hn::Set(d, step.scale), hn::Set(d, step.epsilon));
  w = hn::NegMulAdd(hn::Set(d, step.rate), hn::Div(m, root), w);
}

/// Stores floats as bfloat16, the upper halves of their bits, rounded to nearest even.
HWY_INLINE void store_bf16(V v, uint16_t* to) {
  const hn::RebindToUnsigned<D> du;
  const hn::RebindToSigned<D> di;
  const hn::Rebind<uint16_t, D> d16;
  const auto bits = hn::BitCast(du, v);
  const auto odd = hn::And(hn::ShiftRight<16>(bits), hn::Set(du, 1));
  const auto rounded = hn::Add(hn::Add(bits, hn::Set(du, 0x7fff)), odd);
  hn::StoreU(hn::DemoteTo(d16, hn::BitCast(di, hn::ShiftRight<16>(rounded))), d16, to);
}

#if HWY_TARGET != HWY_SCALAR
/// The sum of the blocks of four floats in a vector.
template <class Tag>
HWY_INLINE hn::Vec<hn::FixedTag<float, 4>> sum_of_blocks(Tag, hn::Vec<Tag> v) {
  if constexpr (hn::MaxLanes(Tag()) == 4) {
    return v;
  } else {
    const hn::Half<Tag> half;
    return sum_of_blocks(half, hn::Add(hn::LowerHalf(half, v), hn::UpperHalf(half, v)));
  }
}
#endif

}  // namespace HWY_NAMESPACE
}  // namespace layerwise::simd
HWY_AFTER_NAMESPACE();

#endif
