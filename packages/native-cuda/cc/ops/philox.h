// DoppelPhilox.
#pragma once
#include <cstdint>

namespace doppel {

// Philox4x32-10: the k-th group of four has the counter offset + k; see core's philox.ts.
struct Philox {
  bool normal;  // else uniform in [0, 1)
  uint64_t seed, offset;
  int64_t count;
  float* y;
};

}  // namespace doppel
