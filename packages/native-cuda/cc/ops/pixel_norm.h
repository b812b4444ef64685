// DoppelPixelNorm, forward and backward.
#pragma once
#include <cstdint>

namespace doppel {

// y = x / sqrt(mean x² + ε) over the c channels of each row; backward: dx = r·dy − x·r³·mean(dy·x)
struct PixelNorm {
  int64_t rows;
  int c;
  float epsilon;
  const float* dy;  // null: forward
  const float* x;
  float* y;
};

}  // namespace doppel
