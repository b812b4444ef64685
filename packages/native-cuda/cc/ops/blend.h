// DoppelBlend: alpha·a + beta·b of many pairs of tensors in one call.
#pragma once
#include <cstdint>

namespace doppel {

struct BlendTensor {
  int64_t count;
  const float *a, *b;
  float* y;
};

struct Blend {
  int tensors;
  const BlendTensor* tensor;
  float alpha, beta;
};

}  // namespace doppel
