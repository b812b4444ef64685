// Convolution, and its gradient by x, as an indirect matrix product: implicit GEMM without a copied patch matrix.
#include "conv2d.h"
#include "pixel_pointers.h"

namespace doppel::DOPPEL_ISA {

namespace {

constexpr int packed_kind = 16 * lanes + 1;  // panels are as wide as this set's vectors

}  // namespace

void conv2d_indirect(const Conv2D& p, Runtime& runtime) {
  const Conv2DShape& s = p.shape;
  const int taps = s.kh * s.kw;
  const size_t floats = PackedFilter::floats(taps, s.ci, s.co);
  Scratch own(runtime, p.packed ? 0 : floats);
  const PackedForm form = p.packed ? packed_form(*p.packed, packed_kind, floats) : PackedForm{own.data(), true};
  if (form.fresh)
    pack_filter(
        form.data, taps, s.ci, s.co, s.co, 1, [&](int tap) { return int64_t{tap} * s.ci * s.co; }, p.filter, runtime);
  const Zeros zeros(runtime, s.ci);
  const PackedFilter filter{taps, s.ci, s.co, form.data};
  indirect_gemm(int64_t{s.n} * s.oh * s.ow, filter, p.bias, p.activation, runtime,
                PixelPointers{s, p.x, s.ci, zeros.data(), p.y});
}

void conv2d_dx_indirect(const Conv2DShape& s, const float* g, const float* filter, float* dx, Runtime& runtime) {
  const Zeros zeros(runtime, s.co);
  const float* zero = zeros.data();
  Scratch packed(runtime, PackedFilter::floats(s.kh * s.kw, s.co, s.ci));
  Scratch tap_scratch(runtime, static_cast<size_t>(s.kh) * s.kw * 3);
  int* tap_index = reinterpret_cast<int*>(tap_scratch.data());
  int* tap_row = tap_index + s.kh * s.kw;  // row of g: first row of the phase + its index + this
  int* tap_column = tap_row + s.kh * s.kw;
  const int64_t row = int64_t{s.ow} * s.co;
  for (int phase_y = 0; phase_y < s.stride; phase_y++) {
    for (int phase_x = 0; phase_x < s.stride; phase_x++) {
      // Pixels y = phase_y + a·stride; tap ky reads row (y + top − ky) / stride of g where that is whole.
      const int64_t high = s.h > phase_y ? ceil_div(s.h - phase_y, s.stride) : 0,
                    wide = s.w > phase_x ? ceil_div(s.w - phase_x, s.stride) : 0;
      if (high == 0 || wide == 0) continue;
      int taps = 0;
      for (int ky = 0; ky < s.kh; ky++) {
        const int from_y = phase_y + s.top - ky * s.dilation;
        if (from_y % s.stride != 0) continue;
        for (int kx = 0; kx < s.kw; kx++) {
          const int from_x = phase_x + s.left - kx * s.dilation;
          if (from_x % s.stride != 0) continue;
          tap_index[taps] = ky * s.kw + kx;
          tap_row[taps] = from_y / s.stride;
          tap_column[taps++] = from_x / s.stride;
        }
      }
      pack_filter(
          packed.data(), taps, s.co, s.ci, 1, s.co, [&](int tap) { return int64_t{tap_index[tap]} * s.ci * s.co; },
          filter, runtime);
      const PackedFilter panel{taps, s.co, s.ci, packed.data()};
      indirect_gemm(
          s.n * high * wide, panel, nullptr, Activation{}, runtime, [&](int64_t i, const float** pointers, int stride) {
            const int64_t image = i / (high * wide), within = i - image * high * wide;
            const int a = static_cast<int>(within / wide), b = static_cast<int>(within - a * wide);
            const float* picture = g + image * s.oh * row;
            for (int tap = 0; tap < taps; tap++, pointers += stride) {
              const int gy = a + tap_row[tap], gx = b + tap_column[tap];
              *pointers = gy >= 0 && gy < s.oh && gx >= 0 && gx < s.ow ? picture + gy * row + int64_t{gx} * s.co : zero;
            }
            return dx + ((image * s.h + phase_y + a * s.stride) * s.w + phase_x + b * s.stride) * s.ci;
          });
    }
  }
}

}  // namespace doppel::DOPPEL_ISA
