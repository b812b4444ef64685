// DoppelUpsampleBilinear and its gradient: half-pixel centres, clamped edges. NHWC.
#pragma once
#include <cstdint>

#ifdef __CUDACC__
#define DOPPEL_EVERYWHERE __host__ __device__
#else
#define DOPPEL_EVERYWHERE
#endif

namespace doppel {

struct UpsampleBilinear {
  int n, h, w, c, oh, ow;
  const float* x;  // gradient: dy [n, oh, ow, c]
  float* y;        // gradient: dx [n, h, w, c]
  bool gradient;
};

// Where row (or column) i of `outputs` reads: `first` and the one after it, which weighs `share`.
struct BilinearPlace {
  int first;
  float share;

  // (i + ½)·inputs/outputs − ½, from 0 on, in whole numbers of 1 / (2·outputs).
  DOPPEL_EVERYWHERE static constexpr BilinearPlace of(int i, int inputs, int outputs) {
    const int64_t at = (int64_t{2} * i + 1) * inputs - outputs, unit = int64_t{2} * outputs;
    if (at < 0) return {0, 0};
    const int64_t first = at / unit;
    if (first >= inputs - 1) return {inputs - 1, 0};
    return {static_cast<int>(first), static_cast<float>(at - first * unit) / static_cast<float>(unit)};
  }
  // Weight of input row `at`.
  DOPPEL_EVERYWHERE constexpr float weight_of(int at) const {
    return at == first ? 1 - share : at == first + 1 ? share : 0;
  }
  // Output rows that may read input row `at`: from `first` to before `last`.
  struct Readers {
    int first, last;
  };
  DOPPEL_EVERYWHERE static constexpr Readers readers_of(int at, int inputs, int outputs) {
    // at − 1 < (i + ½)·inputs/outputs − ½ < at + 1
    const int64_t low = (int64_t{2} * at - 1) * outputs, high = (int64_t{2} * at + 3) * outputs;
    const int64_t from = low <= 0 ? 0 : (low / inputs - 1) / 2, to = (high / inputs + 1) / 2 + 1;
    return {static_cast<int>(from < outputs ? from : outputs), static_cast<int>(to < outputs ? to : outputs)};
  }
};

#undef DOPPEL_EVERYWHERE

}  // namespace doppel
