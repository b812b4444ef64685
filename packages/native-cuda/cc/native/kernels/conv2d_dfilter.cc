// dfilter[tap, ci, co] = Σ over pixels of x[pixel·stride + tap, ci] · g[pixel, co].
//
// A block of up to tile_rows input channels × tile_columns output channels stays in registers while a run of pixels
// goes by; runs are short enough that x and g stay in the level-2 cache over all taps and blocks. Each thread sums into
// its own copy.
#include "conv2d.h"

namespace doppel::DOPPEL_ISA {

namespace {

struct Run {
  const float* x;  // pixel (0, 0) of the run, tap and channel block applied
  const float* g;
  int rows, columns;
  int64_t x_row, x_column, g_row, g_column;  // steps in floats
};

template <int R> void accumulate(const Run& run, float* out, int64_t out_row, int64_t columns = tile_columns) {
  Vec acc[R][2];
#pragma GCC unroll 16
  for (int r = 0; r < R; r++) acc[r][0] = acc[r][1] = Vec{};  // from zero, not from `out`: sums of sums round less
  for (int y = 0; y < run.rows; y++) {
    const float* x = run.x + y * run.x_row;
    const float* g = run.g + y * run.g_row;
    for (int i = 0; i < run.columns; i++, x += run.x_column, g += run.g_column) {
      const Vec g0 = load(g), g1 = load(g + lanes);
#pragma GCC unroll 16
      for (int r = 0; r < R; r++) {
        const Vec a = splat(x[r]);
        acc[r][0] += a * g0;
        acc[r][1] += a * g1;
      }
    }
  }
#pragma GCC unroll 16
  for (int r = 0; r < R; r++) {
    float* to = out + r * out_row;
    store(to, load(to) + acc[r][0]);
    if (columns > lanes) store(to + lanes, load(to + lanes) + acc[r][1]);
  }
}

}  // namespace

void accumulate_outer_products(const float* x, int64_t ci, const float* g, int64_t co, int rows, float* out) {
  Run run{x, g, 1, rows, 0, ci, 0, co};
  for (int64_t column = 0; column < co; column += tile_columns) {
    run.g = g + column;
    int64_t c = 0;
    for (; ci - c >= tile_rows; c += tile_rows)
      run.x = x + c, accumulate<tile_rows>(run, out + c * co + column, co, co - column);
    for (; ci - c >= 4; c += 4) run.x = x + c, accumulate<4>(run, out + c * co + column, co, co - column);
    for (; ci - c >= 1; c += 1) run.x = x + c, accumulate<1>(run, out + c * co + column, co, co - column);
  }
}

void conv2d_dfilter_direct(const Conv2DShape& s, const float* x, const float* g, float* dfilter, Runtime& runtime) {
  const int64_t taps = int64_t{s.kh} * s.kw, co = ceil_div(s.co, tile_columns) * tile_columns;
  const int64_t size = taps * s.ci * co;  // of one copy, columns padded to whole tiles
  const int64_t row_floats = int64_t{s.ow} * (s.co + int64_t{s.ci} * s.stride);
  const int64_t rows_per_run = larger<int64_t>(1, smaller<int64_t>(s.oh, 65536 / larger<int64_t>(row_floats, 1)));
  const int64_t runs_per_image = ceil_div(s.oh, rows_per_run), runs = s.n * runs_per_image;
  const int64_t copies = smaller<int64_t>(threads_of(runtime), runs);
  Scratch sums(runtime, static_cast<size_t>(size * copies));
  parallel(runtime, copies, [&](int64_t copy, int) {
    float* own = sums.data() + copy * size;
    std::memset(own, 0, static_cast<size_t>(size) * 4);
    for (int64_t index = runs * copy / copies; index < runs * (copy + 1) / copies; index++) {
      const int64_t image = index / runs_per_image;
      const int first = static_cast<int>(index % runs_per_image * rows_per_run),
                last = static_cast<int>(smaller<int64_t>(s.oh, first + rows_per_run));
      for (int ky = 0; ky < s.kh; ky++) {
        // Rows and columns of g whose tap falls inside x.
        const int tap_y = ky * s.dilation - s.top;  // row of x that row 0 of g meets
        const int y_from = larger<int>(first, static_cast<int>(ceil_div(larger(0, -tap_y), s.stride)));
        const int y_limit = s.h - 1 - tap_y;
        const int y_to = smaller<int>(last, y_limit < 0 ? 0 : y_limit / s.stride + 1);
        if (y_from >= y_to) continue;
        for (int kx = 0; kx < s.kw; kx++) {
          const int tap_x = kx * s.dilation - s.left;
          const int x_from = static_cast<int>(ceil_div(larger(0, -tap_x), s.stride));
          const int x_limit = s.w - 1 - tap_x;
          const int x_to = smaller<int>(s.ow, x_limit < 0 ? 0 : x_limit / s.stride + 1);
          if (x_from >= x_to) continue;
          Run run;
          run.rows = y_to - y_from;
          run.columns = x_to - x_from;
          run.x_column = int64_t{s.stride} * s.ci;
          run.x_row = int64_t{s.stride} * s.w * s.ci;
          run.g_column = s.co;
          run.g_row = int64_t{s.ow} * s.co;
          const float* x0 =
              x +
              ((image * s.h + int64_t{y_from} * s.stride + tap_y) * s.w + int64_t{x_from} * s.stride + tap_x) * s.ci;
          const float* g0 = g + ((image * s.oh + y_from) * s.ow + x_from) * s.co;
          float* out = own + (int64_t{ky} * s.kw + kx) * s.ci * co;
          for (int64_t column = 0; column < s.co; column += tile_columns) {
            run.g = g0 + column;  // may read past the last channel: into the next pixel, or the block's slack
            int c = 0;
            for (; s.ci - c >= tile_rows; c += tile_rows)
              run.x = x0 + c, accumulate<tile_rows>(run, out + c * co + column, co);
            for (; s.ci - c >= 4; c += 4) run.x = x0 + c, accumulate<4>(run, out + c * co + column, co);
            for (; s.ci - c >= 1; c += 1) run.x = x0 + c, accumulate<1>(run, out + c * co + column, co);
          }
        }
      }
    }
  });
  parallel_range(runtime, taps * s.ci, larger<int64_t>(1, 8192 / s.co), [&](int64_t from, int64_t to) {
    for (int64_t row = from; row < to; row++) {
      float* out = dfilter + row * s.co;
      std::memcpy(out, sums.data() + row * co, static_cast<size_t>(s.co) * 4);
      for (int64_t copy = 1; copy < copies; copy++) {
        const float* more = sums.data() + copy * size + row * co;
        for (int j = 0; j < s.co; j++) out[j] += more[j];
      }
    }
  });
}

}  // namespace doppel::DOPPEL_ISA
