// Arithmetic by element: one or two inputs, with broadcasting by strides of zero.
#pragma once
#include <cstddef>
#include <cstdint>

#include "named_enum.h"

namespace doppel {

constexpr int max_rank = 8;

enum class Type { float32, int32, boolean };  // boolean: one byte

DOPPEL_NAMED_ENUM(BinaryOp, add, sub, mul, div, maximum, minimum, pow, squared_difference, floor_div, mod, prelu, equal,
                  not_equal, greater, greater_equal, less, less_equal, logical_and, logical_or);

struct Binary {
  BinaryOp op;
  Type type;  // of a and b; comparisons and logic give boolean, the rest the type itself
  int rank;
  int64_t dims[max_rank], a_strides[max_rank], b_strides[max_rank];  // of the output, in elements
  const void* a;
  const void* b;
  void* y;
};

DOPPEL_NAMED_ENUM(UnaryOp, neg, abs, exp, expm1, log, log1p, sqrt, rsqrt, square, reciprocal, sigmoid, tanh, relu,
                  relu6, leakyrelu, elu, softplus, step, sign, floor, ceil, round, sin, cos, erf, clip, logical_not,
                  is_nan);

struct Unary {
  UnaryOp op;
  Type type;
  int64_t count;
  float p0, p1;  // leakyrelu and step: slope; clip: lowest and highest
  const void* x;
  void* y;
};

struct Cast {
  Type from, to;
  int64_t count;
  const void* x;
  void* y;
};

// y = condition ? a : b, all of one shape (condition one byte an element, or one for `inner` elements).
struct Select {
  int64_t count, inner;
  int item;  // bytes of an element
  const uint8_t* condition;
  const void* a;
  const void* b;
  void* y;
};

struct Fill {
  Type type;
  int64_t count;
  double value;
  void* y;
};

// y = sum of the inputs, float32.
struct AddN {
  int inputs;
  int64_t count;
  const float* const* x;
  float* y;
};

}  // namespace doppel
