// Philox4x32-10 (Salmon et al., SC 2011): the same words as core's philox.ts.
#include <cmath>

#include "table.h"

namespace doppel::DOPPEL_ISA {

namespace {

void philox4x32(uint64_t counter, uint64_t key, uint32_t out[4]) {
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
  out[0] = c0, out[1] = c1, out[2] = c2, out[3] = c3;
}

constexpr double two_minus_24 = 1.0 / 16777216;

// Box-Muller on a pair of words, the first shifted to (0, 1].
void normal_pair(const uint32_t* words, float* out) {
  const double radius = ::sqrt(-2 * ::log(((words[0] >> 8) + 1.0) * two_minus_24));
  const double angle = 2 * 3.141592653589793 * (words[1] >> 8) * two_minus_24;
  out[0] = static_cast<float>(radius * ::cos(angle));
  out[1] = static_cast<float>(radius * ::sin(angle));
}

}  // namespace

void philox(const Philox& p, Runtime& runtime) {
  parallel_range(runtime, ceil_div(p.count, 4), 1024, [&](int64_t from, int64_t to) {
    for (int64_t group = from; group < to; group++) {
      uint32_t words[4];
      float values[4];
      philox4x32(p.offset + static_cast<uint64_t>(group), p.seed, words);
      if (p.normal) normal_pair(words, values), normal_pair(words + 2, values + 2);
      else
        for (int i = 0; i < 4; i++) values[i] = static_cast<float>(words[i] >> 8) * static_cast<float>(two_minus_24);
      std::memcpy(p.y + group * 4, values, static_cast<size_t>(smaller<int64_t>(4, p.count - group * 4)) * 4);
    }
  });
}

}  // namespace doppel::DOPPEL_ISA
