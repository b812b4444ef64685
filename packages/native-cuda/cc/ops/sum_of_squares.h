// DoppelSumOfSquares: Σx² over all elements of many tensors.
#pragma once
#include <cstdint>

namespace doppel {

struct SquaredTensor {
  int64_t count;
  const float* x;
};

struct SumOfSquares {
  int tensors;
  const SquaredTensor* tensor;
  float* y;  // [1]
};

}  // namespace doppel
