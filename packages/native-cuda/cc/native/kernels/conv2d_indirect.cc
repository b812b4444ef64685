// Convolution, and its gradient by x, as an indirect matrix product: implicit GEMM without a copied patch matrix.
#include "conv2d.h"
#include "windows.h"

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
  const Zeros zeros(runtime, int64_t{s.kw} * s.ci);
  const Windows windows = windows_of(s, p.x, s.ci, p.y, zeros);
  const PackedFilter filter{windows.taps(), windows.k(), s.co, form.data};
  indirect_gemm(windows.outputs(s.n), filter, p.bias, p.activation, runtime, windows);
}

namespace {

// One axis of a phase: pixels phase, phase + stride … of dx, and the taps that reach them, by rising place in g.
struct Phase {
  int count, taps;
  int last_tap;  // the first of them in g; from one to the next it falls by the stride
  int start;     // place in g that it meets at the phase's first pixel

  static Phase of(int phase, int stride, int dilation, int before, int size, int kernel) {
    const int count = size > phase ? static_cast<int>(ceil_div(size - phase, stride)) : 0;
    const int first_tap = (phase + before) % stride;  // the dilation is 1 where the stride is not
    if (first_tap >= kernel) return {count, 0, 0, 0};
    const int taps = (kernel - 1 - first_tap) / stride + 1, last_tap = first_tap + (taps - 1) * stride;
    return {count, taps, last_tap, (phase + before - last_tap * dilation) / stride};
  }
};

}  // namespace

void conv2d_dx_indirect(const Conv2DShape& s, const float* g, const float* filter, float* dx, Runtime& runtime) {
  const Zeros zeros(runtime, int64_t{s.kw} * s.co);
  Scratch packed(runtime, PackedFilter::floats(s.kh * s.kw, s.co, s.ci));
  const int64_t row = int64_t{s.w} * s.ci;
  for (int phase_y = 0; phase_y < s.stride; phase_y++) {
    for (int phase_x = 0; phase_x < s.stride; phase_x++) {
      const Phase down = Phase::of(phase_y, s.stride, s.dilation, s.top, s.h, s.kh),
                  across = Phase::of(phase_x, s.stride, s.dilation, s.left, s.w, s.kw);
      if (down.count == 0 || across.count == 0) continue;
      const Windows windows{g,
                            s.oh,
                            s.ow,
                            s.co,
                            down.taps,
                            across.taps,
                            s.dilation,
                            down.count,
                            across.count,
                            1,
                            -down.start,
                            -across.start,
                            dx + phase_y * row + int64_t{phase_x} * s.ci,
                            s.h * row,
                            s.stride * row,
                            int64_t{s.stride} * s.ci,
                            zeros.data()};
      auto tap_offset = [&](int tap) {
        const int ky = down.last_tap - tap / across.taps * s.stride,
                  kx = across.last_tap - tap % across.taps * s.stride;
        return (int64_t{ky} * s.kw + kx) * s.ci * s.co;
      };
      pack_filter(packed.data(), down.taps * across.taps, s.co, s.ci, 1, s.co, tap_offset, filter, runtime);
      const PackedFilter panel{windows.taps(), windows.k(), s.ci, packed.data()};
      indirect_gemm(windows.outputs(s.n), panel, nullptr, Activation{}, runtime, windows);
    }
  }
}

}  // namespace doppel::DOPPEL_ISA
