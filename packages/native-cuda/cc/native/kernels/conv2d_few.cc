// Convolution to at most `most` channels, as at the head of a decoder:
// y[pixel, c] = act(Σ over the window of x · filter[c] + bias[c]), by dot products along its runs of channels.
#include "conv2d.h"
#include "windows.h"

namespace doppel::DOPPEL_ISA {

namespace {

constexpr int most = 4;
constexpr int pixels = 4;   // whose windows meet a vector of the filter while it is in a register
constexpr int block = 64;   // pixels of a task, whose cut windows are copied

// The sum of the lanes, by halves: fewer roundings and shorter chains than one after the other.
inline float folded(Vec v) {
  float values[lanes];
  store(values, v);
  for (int half = lanes / 2; half > 0; half /= 2)
    for (int i = 0; i < half; i++) values[i] += values[i + half];
  return values[0];
}

struct Filters {
  const float* data;  // [channel][tap][k]
  int taps, k;
  const float* bias;  // may be null
  const Activation& activation;
};

// P pixels × C channels. rows: [tap][P] pointers.
template <int P, int C> void dot_products(const float* const* rows, const Filters& f, float* const* out) {
  Vec acc[P][C] = {};
  const int64_t length = int64_t{f.taps} * f.k;
  for (int tap = 0; tap < f.taps; tap++, rows += P) {
    const float* filter = f.data + int64_t{tap} * f.k;
    for (int i = 0; i < f.k; i += lanes) {
      Vec w[C];
#pragma GCC unroll 4
      for (int c = 0; c < C; c++) w[c] = load(filter + c * length + i);
#pragma GCC unroll 4
      for (int p = 0; p < P; p++) {
        const Vec x = load(rows[p] + i);
#pragma GCC unroll 4
        for (int c = 0; c < C; c++) acc[p][c] += x * w[c];
      }
    }
  }
#pragma GCC unroll 4
  for (int p = 0; p < P; p++) {
    Vec sums{};
#pragma GCC unroll 4
    for (int c = 0; c < C; c++) sums[c] = folded(acc[p][c]) + (f.bias ? f.bias[c] : 0.f);
    store_first(out[p], activate(sums, f.activation), C);
  }
}

template <int C> void all_dot_products(const Windows& windows, int64_t outputs, const Filters& f, Runtime& runtime) {
  const int64_t pointers = int64_t{pixels} * (f.taps + 1), copies = int64_t{block} * f.taps * f.k;
  Scratch tables(runtime, static_cast<size_t>(pointers * threads_of(runtime)) * sizeof(void*) / sizeof(float)),
      copied(runtime, static_cast<size_t>(copies * threads_of(runtime)));
  parallel(runtime, ceil_div(outputs, block), [&](int64_t task, int thread) {
    const float** rows = reinterpret_cast<const float**>(tables.data()) + pointers * thread;
    float** out = const_cast<float**>(rows + int64_t{pixels} * f.taps);
    const int64_t last = smaller(outputs, (task + 1) * block);
    auto cursor = windows.from(task * block, copied.data() + copies * thread);
    for (int64_t at = task * block; at < last;) {
      const int count = last - at >= pixels ? pixels : 1;
      for (int p = 0; p < count; p++, at++) out[p] = cursor.next(rows + p, count);
      count == pixels ? dot_products<pixels, C>(rows, f, out) : dot_products<1, C>(rows, f, out);
    }
  });
}

}  // namespace

bool conv2d_few_serves(const Conv2DShape& s) { return s.co <= most && s.ci % lanes == 0; }

void conv2d_few(const Conv2D& p, Runtime& runtime) {
  const Conv2DShape& s = p.shape;
  const int64_t length = int64_t{s.kh} * s.kw * s.ci;
  Scratch turned(runtime, static_cast<size_t>(length * s.co));
  for (int64_t i = 0; i < length; i++)
    for (int c = 0; c < s.co; c++) turned.data()[c * length + i] = p.filter[i * s.co + c];
  const Zeros zeros(runtime, int64_t{s.kw} * s.ci);
  const Windows windows = windows_of(s, p.x, s.ci, p.y, zeros);
  const Filters filters{turned.data(), windows.taps(), windows.k(), p.bias, p.activation};
  constexpr void (*of_channels[most])(const Windows&, int64_t, const Filters&, Runtime&) = {
      all_dot_products<1>, all_dot_products<2>, all_dot_products<3>, all_dot_products<4>};
  of_channels[s.co - 1](windows, windows.outputs(s.n), filters, runtime);
}

}  // namespace doppel::DOPPEL_ISA
