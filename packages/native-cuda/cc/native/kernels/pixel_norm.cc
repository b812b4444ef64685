// Pixel normalisation, forward and backward.
#include <cmath>

#include "table.h"

namespace doppel::DOPPEL_ISA {

void pixel_norm(const PixelNorm& p, Runtime& runtime) {
  const int64_t c = p.c;
  parallel_range(runtime, p.rows, larger<int64_t>(1, 16384 / c), [&](int64_t from, int64_t to) {
    for (int64_t row = from; row < to; row++) {
      const float* x = p.x + row * c;
      float* y = p.y + row * c;
      Vec squares{}, along{};
      each_vector(c, [&](int64_t j, int n) {
        const Vec v = get(x + j, n);
        squares += v * v;
        if (p.dy) along += v * get(p.dy + row * c + j, n);
      });
      const float r = 1.f / ::sqrtf(sum_of(squares) * p.weight + p.epsilon);
      if (!p.dy) {
        each_vector(c, [&](int64_t j, int n) { put(y + j, get(x + j, n) * splat(r), n); });
      } else {
        const float k = sum_of(along) * p.weight * r * r * r;
        each_vector(c, [&](int64_t j, int n) {
          put(y + j, get(p.dy + row * c + j, n) * splat(r) - get(x + j, n) * splat(k), n);
        });
      }
    }
  });
}

}  // namespace doppel::DOPPEL_ISA
