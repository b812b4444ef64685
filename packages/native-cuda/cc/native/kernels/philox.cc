// Uniform and normal numbers of Philox.
#include <cmath>

#include "../../common/philox.h"
#include "table.h"

namespace doppel::DOPPEL_ISA {

namespace {

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
      const Words words = philox4x32(p.offset + static_cast<uint64_t>(group), p.seed);
      float values[4];
      if (p.normal) normal_pair(words.w, values), normal_pair(words.w + 2, values + 2);
      else
        for (int i = 0; i < 4; i++) values[i] = static_cast<float>(words.w[i] >> 8) * two_minus_24;
      std::memcpy(p.y + group * 4, values, static_cast<size_t>(smaller<int64_t>(4, p.count - group * 4)) * 4);
    }
  });
}

}  // namespace doppel::DOPPEL_ISA
