// Pooling and nearest resizing, forward and backward.
#include "table.h"

namespace doppel::DOPPEL_ISA {

namespace {

struct Window {
  int y0, y1, x0, x1;
};

Window window_of(const PoolShape& s, int oy, int ox) {
  const int y = oy * s.sh - s.top, x = ox * s.sw - s.left;
  return {larger(y, 0), smaller(y + s.kh, s.h), larger(x, 0), smaller(x + s.kw, s.w)};
}

// f(image, row) over all n × rows, in parallel; `floats` is the work of one.
template <class F> void each_row(Runtime& runtime, int64_t n, int64_t rows, int64_t floats, F f) {
  const int64_t grain = larger<int64_t>(1, 32768 / larger<int64_t>(1, floats)), total = n * rows;
  const int64_t tasks = smaller<int64_t>(ceil_div(total, grain), 8 * threads_of(runtime));
  parallel(runtime, tasks, [&](int64_t task, int) {
    for (int64_t i = total * task / tasks; i < total * (task + 1) / tasks; i++) f(i / rows, static_cast<int>(i % rows));
  });
}

bool is_halving(const PoolShape& s) {
  return s.kh == 2 && s.kw == 2 && s.sh == 2 && s.sw == 2 && s.top == 0 && s.left == 0 && s.oh * 2 <= s.h &&
         s.ow * 2 <= s.w;
}

// 2 × 2 windows inside x, stride 2: a and b are the two rows.
void halve_row(bool max, const float* a, const float* b, int ow, int c, float* y) {
  for (int ox = 0; ox < ow; ox++, a += 2 * c, b += 2 * c, y += c) {
    each_vector(c, [&](int64_t j, int n) {
      const Vec v0 = get(a + j, n), v1 = get(a + c + j, n), v2 = get(b + j, n), v3 = get(b + c + j, n);
      const Vec top = v1 > v0 ? v1 : v0, bottom = v3 > v2 ? v3 : v2;
      put(y + j, max ? (bottom > top ? bottom : top) : ((v0 + v1) + (v2 + v3)) * splat(0.25f), n);
    });
  }
}

// dy to the first maximum of each 2 × 2 window, zero to the rest.
void halve_row_gradient(const float* a, const float* b, const float* dy, int ow, int c, float* da, float* db) {
  for (int ox = 0; ox < ow; ox++, a += 2 * c, b += 2 * c, da += 2 * c, db += 2 * c, dy += c) {
    each_vector(c, [&](int64_t j, int n) {
      const Vec v0 = get(a + j, n), v1 = get(a + c + j, n), v2 = get(b + j, n), v3 = get(b + c + j, n),
                d = get(dy + j, n), zero{};
      const auto right = v1 > v0, low_right = v3 > v2;
      const Vec top = right ? v1 : v0, bottom = low_right ? v3 : v2;
      const auto low = bottom > top;
      const Vec upper = low ? zero : d, lower = low ? d : zero;
      put(da + j, right ? zero : upper, n);
      put(da + c + j, right ? upper : zero, n);
      put(db + j, low_right ? zero : lower, n);
      put(db + c + j, low_right ? lower : zero, n);
    });
  }
}

}  // namespace

void pool(const Pool& p, Runtime& runtime) {
  const PoolShape& s = p.shape;
  const int64_t row = int64_t{s.w} * s.c;
  const bool halving = is_halving(s);
  each_row(runtime, s.n, s.oh, int64_t{s.ow} * s.c * s.kh * s.kw, [&](int64_t n, int oy) {
    const float* x = p.x + n * s.h * row;
    float* y = p.y + (n * s.oh + oy) * s.ow * s.c;
    if (halving) return halve_row(p.max, x + 2 * oy * row, x + (2 * oy + 1) * row, s.ow, s.c, y);
    for (int ox = 0; ox < s.ow; ox++, y += s.c) {
      const Window w = window_of(s, oy, ox);
      for (int j = 0; j < s.c; j++) y[j] = p.max ? -__builtin_inff() : 0.f;
      for (int iy = w.y0; iy < w.y1; iy++) {
        for (int ix = w.x0; ix < w.x1; ix++) {
          const float* from = x + iy * row + int64_t{ix} * s.c;
          if (p.max)
            for (int j = 0; j < s.c; j++) y[j] = from[j] > y[j] ? from[j] : y[j];
          else
            for (int j = 0; j < s.c; j++) y[j] += from[j];
        }
      }
      const int count = (w.y1 - w.y0) * (w.x1 - w.x0);
      if (!p.max && count > 0)
        for (int j = 0; j < s.c; j++) y[j] /= static_cast<float>(count);
    }
  });
}

void pool_grad(const PoolGrad& p, Runtime& runtime) {
  const PoolShape& s = p.shape;
  const int64_t row = int64_t{s.w} * s.c;
  if (is_halving(s)) {
    each_row(runtime, s.n, s.oh, int64_t{s.ow} * s.c * 8, [&](int64_t n, int oy) {
      const int64_t at = (n * s.h + 2 * oy) * row;
      const float* dy = p.dy + (n * s.oh + oy) * s.ow * s.c;
      float* da = p.dx + at;
      float* db = da + row;
      if (p.max) halve_row_gradient(p.x + at, p.x + at + row, dy, s.ow, s.c, da, db);
      else {
        for (int ox = 0; ox < s.ow; ox++)
          for (int j = 0; j < s.c; j++) {
            const float v = dy[ox * s.c + j] * 0.25f;
            da[2 * ox * s.c + j] = da[(2 * ox + 1) * s.c + j] = db[2 * ox * s.c + j] = db[(2 * ox + 1) * s.c + j] = v;
          }
      }
      const int64_t used = int64_t{2} * s.ow * s.c;
      std::memset(da + used, 0, static_cast<size_t>(row - used) * 4);
      std::memset(db + used, 0, static_cast<size_t>(row - used) * 4);
      if (oy == s.oh - 1)
        std::memset(p.dx + (n * s.h + 2 * s.oh) * row, 0, static_cast<size_t>((s.h - 2 * s.oh) * row) * 4);
    });
    return;
  }
  // Windows may overlap: one image a task, so that no two threads add to the same place.
  parallel(runtime, s.n, [&](int64_t n, int) {
    const float* x = p.x + n * s.h * row;
    float* dx = p.dx + n * s.h * row;
    std::memset(dx, 0, static_cast<size_t>(s.h * row) * 4);
    const float* dy = p.dy + n * s.oh * s.ow * s.c;
    for (int oy = 0; oy < s.oh; oy++) {
      for (int ox = 0; ox < s.ow; ox++, dy += s.c) {
        const Window w = window_of(s, oy, ox);
        const int count = (w.y1 - w.y0) * (w.x1 - w.x0);
        if (count <= 0) continue;
        if (!p.max) {
          for (int iy = w.y0; iy < w.y1; iy++)
            for (int ix = w.x0; ix < w.x1; ix++)
              for (int j = 0; j < s.c; j++) dx[iy * row + int64_t{ix} * s.c + j] += dy[j] / static_cast<float>(count);
          continue;
        }
        for (int j = 0; j < s.c; j++) {
          int64_t best = w.y0 * row + int64_t{w.x0} * s.c + j;
          for (int iy = w.y0; iy < w.y1; iy++)
            for (int ix = w.x0; ix < w.x1; ix++) {
              const int64_t at = iy * row + int64_t{ix} * s.c + j;
              if (x[at] > x[best]) best = at;
            }
          dx[best] += dy[j];
        }
      }
    }
  });
}

void resize_nearest(const ResizeNearest& p, Runtime& runtime) {
  const size_t pixel = static_cast<size_t>(p.c) * 4;
  if (!p.gradient) {
    return each_row(runtime, p.n, p.oh, int64_t{p.ow} * p.c, [&](int64_t n, int oy) {
      const float* from = p.x + (n * p.h + p.rows[oy]) * p.w * p.c;
      float* to = p.y + (n * p.oh + oy) * p.ow * p.c;
      for (int ox = 0; ox < p.ow; ox++, to += p.c) std::memcpy(to, from + int64_t{p.columns[ox]} * p.c, pixel);
    });
  }
  parallel(runtime, p.n, [&](int64_t n, int) {
    float* dx = p.y + n * p.h * p.w * p.c;
    std::memset(dx, 0, static_cast<size_t>(p.h) * p.w * pixel);
    for (int oy = 0; oy < p.oh; oy++) {
      const float* dy = p.x + (n * p.oh + oy) * p.ow * p.c;
      float* row = dx + int64_t{p.rows[oy]} * p.w * p.c;
      for (int ox = 0; ox < p.ow; ox++, dy += p.c) {
        float* to = row + int64_t{p.columns[ox]} * p.c;
        for (int j = 0; j < p.c; j++) to[j] += dy[j];
      }
    }
  });
}

}  // namespace doppel::DOPPEL_ISA
