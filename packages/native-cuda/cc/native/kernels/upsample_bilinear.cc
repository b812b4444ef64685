// Bilinear up-sampling and its gradient, a row at a time: first between the rows, then between the columns.
#include "table.h"

namespace doppel::DOPPEL_ISA {

namespace {

// out = (1 − share)·a + share·b
void blend(const float* a, const float* b, float share, int64_t count, float* out) {
  const Vec second = splat(share), first = splat(1 - share);
  each_vector(count, [&](int64_t j, int n) { put(out + j, get(a + j, n) * first + get(b + j, n) * second, n); });
}

// out += weight·x
void add_weighted(const float* x, float weight, int64_t count, float* out) {
  each_vector(count, [&](int64_t j, int n) { put(out + j, get(out + j, n) + get(x + j, n) * splat(weight), n); });
}

// f(image, row, scratch) over all n × rows; each thread has `floats` floats of its own.
template <class F> void each_row(Runtime& runtime, int64_t n, int64_t rows, int64_t floats, F f) {
  const int64_t total = n * rows, tasks = smaller<int64_t>(total, 8 * threads_of(runtime));
  Scratch scratch(runtime, static_cast<size_t>(floats * threads_of(runtime)));
  parallel(runtime, tasks, [&](int64_t task, int thread) {
    for (int64_t i = total * task / tasks; i < total * (task + 1) / tasks; i++)
      f(i / rows, static_cast<int>(i % rows), scratch.data() + floats * thread);
  });
}

void forward(const UpsampleBilinear& p, Runtime& runtime) {
  const int64_t c = p.c, row = p.w * c;
  each_row(runtime, p.n, p.oh, row, [&](int64_t image, int oy, float* between) {
    const BilinearPlace place = BilinearPlace::of(oy, p.h, p.oh);
    const float* from = p.x + (image * p.h + place.first) * row;
    if (place.share > 0) blend(from, from + row, place.share, row, between), from = between;
    float* to = p.y + (image * p.oh + oy) * p.ow * c;
    for (int ox = 0; ox < p.ow; ox++, to += c) {
      const BilinearPlace column = BilinearPlace::of(ox, p.w, p.ow);
      const float* at = from + column.first * c;
      blend(at, column.share > 0 ? at + c : at, column.share, c, to);
    }
  });
}

void backward(const UpsampleBilinear& p, Runtime& runtime) {
  const int64_t c = p.c, row = p.w * c, wide = p.ow * c;
  each_row(runtime, p.n, p.h, wide, [&](int64_t image, int iy, float* sum) {
    std::memset(sum, 0, static_cast<size_t>(wide) * 4);
    const BilinearPlace::Readers readers = BilinearPlace::readers_of(iy, p.h, p.oh);
    for (int oy = readers.first; oy < readers.last; oy++) {
      const float weight = BilinearPlace::of(oy, p.h, p.oh).weight_of(iy);
      if (weight > 0) add_weighted(p.x + (image * p.oh + oy) * wide, weight, wide, sum);
    }
    float* dx = p.y + (image * p.h + iy) * row;
    std::memset(dx, 0, static_cast<size_t>(row) * 4);
    for (int ox = 0; ox < p.ow; ox++) {
      const BilinearPlace column = BilinearPlace::of(ox, p.w, p.ow);
      float* at = dx + column.first * c;
      add_weighted(sum + ox * c, 1 - column.share, c, at);
      if (column.share > 0) add_weighted(sum + ox * c, column.share, c, at + c);
    }
  });
}

}  // namespace

void upsample_bilinear(const UpsampleBilinear& p, Runtime& runtime) {
  p.gradient ? backward(p, runtime) : forward(p, runtime);
}

}  // namespace doppel::DOPPEL_ISA
