// DoppelPixelNorm, forward and backward.
#pragma once
#include <cstdint>

namespace doppel {

// y = r·x with r = 1 / sqrt(weight·Σ x² + ε) over the c channels of each row; backward: dx = r·dy − x·r³·weight·Σ dy·x
struct PixelNorm {
  int64_t rows;
  int c;
  float epsilon;
  float weight;     // 1/c for the mean of the squares, 1 for their sum
  const float* dy;  // null: forward
  const float* x;
  float* y;
};

}  // namespace doppel
