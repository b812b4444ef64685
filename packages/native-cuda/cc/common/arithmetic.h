// The arithmetic of elementwise ops and reductions. A kernel of CUDA chooses the operation as it runs; a loop of the
// CPU is compiled for each (with_constant), and then no choice is left in it.
#pragma once
#include <cmath>
#include <type_traits>
#include <utility>

#include "../ops/elementwise.h"
#include "../ops/reductions.h"
#include "both_devices.h"

namespace doppel {

DOPPEL_BOTH_DEVICES float remainder_of(float a, float b) {
  const float r = fmodf(a, b);
  return (a < 0) == (b < 0) ? r : fmodf(r + b, b);
}
DOPPEL_BOTH_DEVICES int32_t remainder_of(int32_t a, int32_t b) { return b == 0 ? 0 : ((a % b) + b) % b; }

DOPPEL_BOTH_DEVICES float quotient(float a, float b) { return a / b; }
DOPPEL_BOTH_DEVICES int32_t quotient(int32_t a, int32_t b) { return b == 0 ? 0 : a / b; }
DOPPEL_BOTH_DEVICES float floor_quotient(float a, float b) { return floorf(a / b); }
DOPPEL_BOTH_DEVICES int32_t floor_quotient(int32_t a, int32_t b) {
  return b == 0 ? 0 : static_cast<int32_t>(floor(static_cast<double>(a) / b));
}
DOPPEL_BOTH_DEVICES float power(float a, float b) { return b == 2 ? a * a : powf(a, b); }
DOPPEL_BOTH_DEVICES int32_t power(int32_t a, int32_t b) {
  return static_cast<int32_t>(pow(static_cast<double>(a), static_cast<double>(b)));
}

template <class T> DOPPEL_BOTH_DEVICES T calculate(BinaryOp op, T a, T b) {
  switch (op) {
    case BinaryOp::add: return a + b;
    case BinaryOp::sub: return a - b;
    case BinaryOp::mul: return a * b;
    case BinaryOp::div: return quotient(a, b);
    case BinaryOp::maximum: return a > b || a != a ? a : b;
    case BinaryOp::minimum: return a < b || a != a ? a : b;
    case BinaryOp::pow: return power(a, b);
    case BinaryOp::squared_difference: return (a - b) * (a - b);
    case BinaryOp::floor_div: return floor_quotient(a, b);
    case BinaryOp::mod: return remainder_of(a, b);
    default: return a < 0 ? a * b : a;  // prelu
  }
}

template <class T> DOPPEL_BOTH_DEVICES uint8_t compare(BinaryOp op, T a, T b) {
  switch (op) {
    case BinaryOp::equal: return a == b;
    case BinaryOp::not_equal: return a != b;
    case BinaryOp::greater: return a > b;
    case BinaryOp::greater_equal: return a >= b;
    case BinaryOp::less: return a < b;
    case BinaryOp::less_equal: return a <= b;
    case BinaryOp::logical_and: return a && b;
    default: return a || b;
  }
}

DOPPEL_BOTH_DEVICES float calculate(UnaryOp op, float x, float p0, float p1) {
  switch (op) {
    case UnaryOp::neg: return -x;
    case UnaryOp::abs: return fabsf(x);
    case UnaryOp::exp: return expf(x);
    case UnaryOp::expm1: return expm1f(x);
    case UnaryOp::log: return logf(x);
    case UnaryOp::log1p: return log1pf(x);
    case UnaryOp::sqrt: return sqrtf(x);
    case UnaryOp::rsqrt: return 1.f / sqrtf(x);
    case UnaryOp::square: return x * x;
    case UnaryOp::reciprocal: return 1.f / x;
    case UnaryOp::sigmoid: return 1.f / (1.f + expf(-x));
    case UnaryOp::tanh: return tanhf(x);
    case UnaryOp::relu: return x < 0 ? 0.f : x;
    case UnaryOp::relu6: return x < 0 ? 0.f : x > 6 ? 6.f : x;
    case UnaryOp::leakyrelu: return x < 0 ? p0 * x : x;
    case UnaryOp::elu: return x < 0 ? expm1f(x) : x;
    case UnaryOp::softplus: return x > 20 ? x : log1pf(expf(x));
    case UnaryOp::step: return x != x ? x : x > 0 ? 1.f : p0;
    case UnaryOp::sign: return x > 0 ? 1.f : x < 0 ? -1.f : x;
    case UnaryOp::floor: return floorf(x);
    case UnaryOp::ceil: return ceilf(x);
    case UnaryOp::round: return nearbyintf(x);  // half to even
    case UnaryOp::sin: return sinf(x);
    case UnaryOp::cos: return cosf(x);
    case UnaryOp::erf: return erff(x);
    default: return x < p0 ? p0 : x > p1 ? p1 : x;  // clip
  }
}

// Negative, absolute value or square; the border lets no other through for integers.
DOPPEL_BOTH_DEVICES int32_t calculate(UnaryOp op, int32_t x) {
  return op == UnaryOp::neg ? -x : op == UnaryOp::abs ? (x < 0 ? -x : x) : x * x;
}

template <class To, class From> DOPPEL_BOTH_DEVICES To converted(From v) {
  if constexpr (std::is_same_v<To, uint8_t>) return static_cast<uint8_t>(v != 0);
  else if constexpr (std::is_same_v<To, int32_t>) return v == v ? static_cast<int32_t>(v) : 0;
  else return static_cast<To>(v);
}

template <class A> DOPPEL_BOTH_DEVICES A folded(ReduceOp op, A a, A b) {
  switch (op) {
    case ReduceOp::max: return b > a || b != b ? b : a;
    case ReduceOp::min: return b < a || b != b ? b : a;
    case ReduceOp::prod: return static_cast<A>(a * b);
    case ReduceOp::any: return static_cast<A>(a || b);
    case ReduceOp::all: return static_cast<A>(a && b);
    default: return static_cast<A>(a + b);
  }
}

template <class A> DOPPEL_BOTH_DEVICES A start_of(ReduceOp op, A lowest, A highest) {
  switch (op) {
    case ReduceOp::max: return lowest;
    case ReduceOp::min: return highest;
    case ReduceOp::prod:
    case ReduceOp::all: return A(1);
    default: return A(0);
  }
}

template <auto chosen> struct Constant { static constexpr auto value = chosen; };

// Calls f with the operation as a Constant.
template <auto last, class F> static inline void with_constant(decltype(last) op, F f) {
  [&]<int... i>(std::integer_sequence<int, i...>) {
    ((op == decltype(last)(i) ? f(Constant<decltype(last)(i)>{}) : void()), ...);
  }
  (std::make_integer_sequence<int, static_cast<int>(last) + 1>{});
}

}  // namespace doppel
