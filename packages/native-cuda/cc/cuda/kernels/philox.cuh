// Random numbers on the card.
#pragma once
#include "../../common/philox.h"
#include "../runtime.cuh"

namespace doppel::cuda {

// Box-Muller on a pair of words, the first shifted to (0, 1]. The angle is 2π times a number of 24 bits, and sincospif
// takes it without rounding.
__device__ inline float2 normal_pair(uint32_t first, uint32_t second) {
  const float u = static_cast<float>((first >> 8) + 1) * two_minus_24;
  const float radius = sqrtf(-2 * logf(u));
  float sine, cosine;
  sincospif(static_cast<float>(second >> 8) * (2 * two_minus_24), &sine, &cosine);
  return make_float2(radius * cosine, radius * sine);
}

struct Draw {
  uint64_t seed, offset;
  Replays replays;

  __device__ uint64_t first() const { return offset + replays.counters(); }
};

}  // namespace doppel::cuda
