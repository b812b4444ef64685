// Philox4x32-10 (Salmon et al., SC 2011) on the card: the same words as core's philox.ts.
#pragma once
#include "../runtime.cuh"

namespace doppel::cuda {

struct Words {
  uint32_t w[4];
};

__device__ inline Words philox4x32(uint64_t counter, uint64_t key) {
  uint32_t c0 = static_cast<uint32_t>(counter), c1 = static_cast<uint32_t>(counter >> 32), c2 = 0, c3 = 0;
  uint32_t k0 = static_cast<uint32_t>(key), k1 = static_cast<uint32_t>(key >> 32);
  for (int round = 0; round < 10; round++) {
    const uint64_t a = uint64_t{0xd2511f53} * c0, b = uint64_t{0xcd9e8d57} * c2;
    c0 = static_cast<uint32_t>(b >> 32) ^ c1 ^ k0;
    c1 = static_cast<uint32_t>(b);
    c2 = static_cast<uint32_t>(a >> 32) ^ c3 ^ k1;
    c3 = static_cast<uint32_t>(a);
    k0 += 0x9e3779b9;
    k1 += 0xbb67ae85;
  }
  return {{c0, c1, c2, c3}};
}

constexpr float two_minus_24 = 1.f / 16777216;

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
