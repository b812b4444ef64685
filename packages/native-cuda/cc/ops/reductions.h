// Reductions over some axes, softmax over the last.
#pragma once
#include "elementwise.h"

namespace doppel {

DOPPEL_NAMED_ENUM(ReduceOp, sum, mean, max, min, prod, any, all);

// x seen as [outer, reduced, inner] → y [outer, inner]
struct Reduce {
  ReduceOp op;
  Type type;
  int64_t outer, reduced, inner;
  const void* x;
  void* y;
};

struct ArgReduce {
  bool max;
  int64_t outer, reduced, inner;
  const float* x;
  int32_t* y;
};

struct Softmax {
  bool log;
  int64_t rows, columns;
  const float* x;
  float* y;
};

}  // namespace doppel
