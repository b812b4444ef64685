// Convolution on inputs rounded to bfloat16, with sums in fp32: for inference that asks for it. Compiled once more for
// AVX512-BF16, whose instruction multiplies two pairs and adds; elsewhere the same arithmetic in fp32, for tests.
#if defined(__AVX512BF16__)
#include <immintrin.h>
#endif

#include "conv2d.h"
#include "windows.h"

namespace doppel::DOPPEL_ISA {

namespace {

constexpr int bf16_kind = 16 * lanes + 3;

typedef uint32_t Bits __attribute__((vector_size(lanes * 4)));

// To the nearest, ties to even; a NaN stays one.
inline uint32_t round_to_bf16(float value) {
  uint32_t bits;
  std::memcpy(&bits, &value, 4);
  const uint32_t rounded = (bits + 0x7fff + ((bits >> 16) & 1)) >> 16;
  return value != value ? (bits >> 16) | 0x40 : rounded;
}

// A word holds two neighbouring channels, the first in the low half.
inline float pair(float first, float second) {
  const uint32_t bits = round_to_bf16(first) | round_to_bf16(second) << 16;
  float word;
  std::memcpy(&word, &bits, 4);
  return word;
}

struct Bf16Product {
  static inline Vec broadcast(const float* a) {
    uint32_t bits;
    std::memcpy(&bits, a, 4);
    return reinterpret_cast<Vec>(bits - Bits{});
  }
  static inline Vec add(Vec sum, Vec a, Vec f) {
#if defined(__AVX512BF16__)
    return reinterpret_cast<Vec>(
        _mm512_dpbf16_ps(reinterpret_cast<__m512>(sum), reinterpret_cast<__m512bh>(a), reinterpret_cast<__m512bh>(f)));
#else
    const Bits u = reinterpret_cast<Bits>(a), v = reinterpret_cast<Bits>(f);
    sum += reinterpret_cast<Vec>(u << 16) * reinterpret_cast<Vec>(v << 16);
    return sum + reinterpret_cast<Vec>(u & 0xffff0000u) * reinterpret_cast<Vec>(v & 0xffff0000u);
#endif
  }
};

// [rows, channels] → [rows, words], the odd channel beside a zero.
void round_rows(const float* x, int64_t rows, int channels, int words, float* out, Runtime& runtime) {
  parallel_range(runtime, rows, larger(1, 32768 / channels), [&](int64_t from, int64_t to) {
    for (int64_t row = from; row < to; row++) {
      const float* in = x + row * channels;
      float* to_row = out + row * words;
      const int whole = channels / 2;
      for (int i = 0; i < whole; i++) to_row[i] = pair(in[2 * i], in[2 * i + 1]);
      if (whole < words) to_row[whole] = pair(in[channels - 1], 0);
    }
  });
}

void pack_pairs(const float* filter, int taps, int ci, int co, int words, float* out, Runtime& runtime) {
  parallel(runtime, ceil_div(co, tile_columns), [&](int64_t panel, int) {
    float* to = out + panel * taps * words * tile_columns;
    for (int tap = 0; tap < taps; tap++) {
      for (int word = 0; word < words; word++) {
        for (int j = 0; j < tile_columns; j++) {
          const int64_t column = panel * tile_columns + j;
          auto at = [&](int channel) {
            return column < co && channel < ci ? filter[(int64_t{tap} * ci + channel) * co + column] : 0.f;
          };
          *to++ = pair(at(2 * word), at(2 * word + 1));
        }
      }
    }
  });
}

}  // namespace

void conv2d_bf16(const Conv2D& p, Runtime& runtime) {
  const Conv2DShape& s = p.shape;
  const int taps = s.kh * s.kw, words = (s.ci + 1) / 2;
  const size_t floats = PackedFilter::floats(taps, words, s.co);
  Scratch own(runtime, p.packed ? 0 : floats);
  const PackedForm form = p.packed ? packed_form(*p.packed, bf16_kind, floats) : PackedForm{own.data(), true};
  if (form.fresh) pack_pairs(p.filter, taps, s.ci, s.co, words, form.data, runtime);
  const int64_t rows = int64_t{s.n} * s.h * s.w;
  Scratch rounded(runtime, static_cast<size_t>(rows * words));
  round_rows(p.x, rows, s.ci, words, rounded.data(), runtime);
  const Zeros zeros(runtime, int64_t{s.kw} * words);
  const Windows windows = windows_of(s, rounded.data(), words, p.y, zeros);
  const PackedFilter filter{windows.taps(), windows.k(), s.co, form.data};
  indirect_gemm<Bf16Product>(windows.outputs(s.n), filter, p.bias, p.activation, runtime, windows);
}

}  // namespace doppel::DOPPEL_ISA
