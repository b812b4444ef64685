// Convolution, and its gradient by x, as an indirect matrix product: implicit GEMM without a copied patch matrix.
#include "conv2d.h"
#include "windows.h"

namespace doppel::DOPPEL_ISA {

namespace {

constexpr int packed_kind = 16 * lanes + 1;  // panels are as wide as this set's vectors
constexpr int joined_kind = 16 * lanes + 4;  // plus the stride, by which such a filter differs

// Neighbouring outputs of a row that fill a vector together, where channels are so few that alone each would leave
// most of it empty. They share a window, wider by a stride for each, and a filter that has zeros where it is not theirs.
int joined_outputs(const Conv2DShape& s) {
  const int count = lanes / s.co;
  const bool fit = count > 1 && lanes % s.co == 0 && s.ow % count == 0;
  return fit && s.dilation == 1 && s.stride <= 2 && s.kw > s.stride ? count : 1;
}

int joined_columns(const Conv2DShape& s, int joined) { return s.kw + (joined - 1) * s.stride; }

// [kh, joined columns, ci, joined · co]
void join_filter(const Conv2DShape& s, int joined, const float* filter, float* wide) {
  const int columns = joined_columns(s, joined);
  const int64_t inner = int64_t{s.ci} * s.co;
  std::memset(wide, 0, static_cast<size_t>(s.kh * columns * inner * joined) * 4);
  for (int tap = 0; tap < s.kh * s.kw; tap++) {
    for (int i = 0; i < joined; i++) {
      const int column = tap % s.kw + i * s.stride;
      float* to = wide + (tap / s.kw * columns + column) * inner * joined + int64_t{i} * s.co;
      const float* from = filter + tap * inner;
      for (int c = 0; c < s.ci; c++, to += int64_t{joined} * s.co, from += s.co)
        std::memcpy(to, from, static_cast<size_t>(s.co) * 4);
    }
  }
}

// The filter in panels, kept from call to call where the op has a place for it.
PackedForm packed_filter(const Conv2D& p, int joined, float* own, Runtime& runtime) {
  const Conv2DShape& s = p.shape;
  const int taps = s.kh * joined_columns(s, joined), n = joined * s.co;
  const size_t floats = PackedFilter::floats(taps, s.ci, n);
  const int kind = joined > 1 ? joined_kind + s.stride : packed_kind;
  const PackedForm form = p.packed ? packed_form(*p.packed, kind, floats) : PackedForm{own, true};
  if (!form.fresh) return form;
  Scratch wide(runtime, joined > 1 ? static_cast<size_t>(taps) * s.ci * n : 0);
  if (joined > 1) join_filter(s, joined, p.filter, wide.data());
  const float* filter = joined > 1 ? wide.data() : p.filter;
  pack_filter(form.data, taps, s.ci, n, n, 1, [&](int tap) { return int64_t{tap} * s.ci * n; }, filter, runtime);
  return form;
}

}  // namespace

void conv2d_indirect(const Conv2D& p, Runtime& runtime) {
  const Conv2DShape& s = p.shape;
  const int joined = joined_outputs(s), columns = joined_columns(s, joined);
  Scratch own(runtime, p.packed ? 0 : PackedFilter::floats(s.kh * columns, s.ci, joined * s.co));
  const PackedForm form = packed_filter(p, joined, own.data(), runtime);
  const Zeros zeros(runtime, int64_t{columns} * s.ci);
  Windows windows = windows_of(s, p.x, s.ci, p.y, zeros);
  windows.columns = columns;
  windows.ow /= joined, windows.across *= joined, windows.y_pixel *= joined;
  float bias[lanes];
  for (int i = 0; p.bias && joined > 1 && i < lanes; i++) bias[i] = p.bias[i % s.co];
  const PackedFilter filter{windows.taps(), windows.k(), joined * s.co, form.data};
  indirect_gemm(windows.outputs(s.n), filter, p.bias && joined > 1 ? bias : p.bias, p.activation, runtime, windows);
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
