// dfilter[tap, ci, co] = Σ over pixels of x[pixel·stride + tap, ci] · g[pixel, co].
//
// A block of up to tile_rows input channels × tile_columns output channels stays in registers while a run of pixels
// goes by; runs are short enough that x and g stay in the level-1 cache over all taps and blocks. Each thread sums into
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

// R floats of x × V vectors of g.
template <int R, int V> void accumulate(const Run& run, float* out, int64_t out_row) {
  Vec acc[R][V];
#pragma GCC unroll 16
  for (int r = 0; r < R; r++) {
#pragma GCC unroll 2
    for (int v = 0; v < V; v++) acc[r][v] = Vec{};  // from zero, not from `out`: sums of sums round less
  }
  for (int y = 0; y < run.rows; y++) {
    const float* x = run.x + y * run.x_row;
    const float* g = run.g + y * run.g_row;
    for (int i = 0; i < run.columns; i++, x += run.x_column, g += run.g_column) {
      Vec to[V];
#pragma GCC unroll 2
      for (int v = 0; v < V; v++) to[v] = load(g + v * lanes);
#pragma GCC unroll 16
      for (int r = 0; r < R; r++) {
        const Vec a = splat(x[r]);
#pragma GCC unroll 2
        for (int v = 0; v < V; v++) acc[r][v] += a * to[v];
      }
    }
  }
#pragma GCC unroll 16
  for (int r = 0; r < R; r++) {
    float* to = out + r * out_row;
#pragma GCC unroll 2
    for (int v = 0; v < V; v++) store(to + v * lanes, load(to + v * lanes) + acc[r][v]);
  }
}

// The last `count` < R + 1 rows.
template <int R, int V> void accumulate_rest(int64_t count, const Run& run, float* out, int64_t out_row) {
  if (count == R) return accumulate<R, V>(run, out, out_row);
  if constexpr (R > 1) accumulate_rest<R - 1, V>(count, run, out, out_row);
}

// All `rows` consecutive floats of x with the columns of g from `column` on.
template <int V> void accumulate_columns(Run run, int64_t rows, int64_t column, float* out, int64_t out_row) {
  const float* x = run.x;
  run.g += column;  // may read past the last channel: into the next pixel, or the block's slack
  int64_t r = 0;
  for (; rows - r >= tile_rows; r += tile_rows)
    run.x = x + r, accumulate<tile_rows, V>(run, out + r * out_row + column, out_row);
  run.x = x + r;
  accumulate_rest<tile_rows - 1, V>(rows - r, run, out + r * out_row + column, out_row);
}

// All pairs of `rows` consecutive floats of x and `columns` of g; `out_row` is a multiple of `lanes`.
void accumulate_block(const Run& run, int64_t rows, int64_t columns, float* out, int64_t out_row) {
  for (int64_t column = 0; column < columns; column += tile_columns)
    (columns - column > lanes ? accumulate_columns<2> : accumulate_columns<1>)(run, rows, column, out, out_row);
}

// Outputs along one axis whose tap falls inside x: from `first` to before `last`.
struct Span {
  int first, last;
  // tap: pixel of x that output 0 meets.
  static Span of(int tap, int stride, int size, int outputs) {
    const int limit = size - 1 - tap;
    return {static_cast<int>(ceil_div(larger(0, -tap), stride)), smaller(outputs, limit < 0 ? 0 : limit / stride + 1)};
  }
  Span within(Span other) const { return {larger(first, other.first), smaller(last, other.last)}; }
  bool is_empty() const { return first >= last; }
};

// What one copy of dfilter sums: a band of rows of one image, tap by tap.
class Band {
 public:
  Band(const Conv2DShape& s, const float* x, const float* g, int64_t image, Span rows, float* out, int64_t out_row)
      : s_(s),
        x_(x + image * s.h * s.w * s.ci),
        g_(g + image * s.oh * s.ow * s.co),
        rows_(rows),
        out_(out),
        out_row_(out_row) {}

  void sum() const {
    for (int ky = 0; ky < s_.kh; ky++) {
      const Span rows = Span::of(tap_y(ky), s_.stride, s_.h, s_.oh).within(rows_);
      if (!rows.is_empty()) sum_row_of_taps(ky, rows);
    }
  }

 private:
  int tap_y(int ky) const { return ky * s_.dilation - s_.top; }
  int tap_x(int kx) const { return kx * s_.dilation - s_.left; }
  Span columns_of(int kx) const { return Span::of(tap_x(kx), s_.stride, s_.w, s_.ow); }

  // Where all taps of a row fall inside x they lie together with their channels: one block of kw · ci rows. At the
  // edges and where the taps are dilated, each has its own.
  void sum_row_of_taps(int ky, Span rows) const {
    const Span all = columns_of(0).within(columns_of(s_.kw - 1));
    const bool together = s_.dilation == 1 && !all.is_empty();
    if (together) sum_columns(ky, 0, s_.kw, rows, all);
    for (int kx = 0; kx < s_.kw; kx++) {
      const Span own = columns_of(kx);
      sum_columns(ky, kx, 1, rows, together ? Span{own.first, all.first} : own);
      if (together) sum_columns(ky, kx, 1, rows, {all.last, own.last});
    }
  }

  void sum_columns(int ky, int kx, int taps, Span rows, Span columns) const {
    if (columns.is_empty()) return;
    const int64_t y = int64_t{rows.first} * s_.stride + tap_y(ky), x = int64_t{columns.first} * s_.stride + tap_x(kx);
    const Run run{x_ + (y * s_.w + x) * s_.ci,
                  g_ + (int64_t{rows.first} * s_.ow + columns.first) * s_.co,
                  rows.last - rows.first,
                  columns.last - columns.first,
                  int64_t{s_.stride} * s_.w * s_.ci,
                  int64_t{s_.stride} * s_.ci,
                  int64_t{s_.ow} * s_.co,
                  s_.co};
    accumulate_block(run, int64_t{taps} * s_.ci, s_.co, out_ + (int64_t{ky} * s_.kw + kx) * s_.ci * out_row_, out_row_);
  }

  const Conv2DShape& s_;
  const float *x_, *g_;
  Span rows_;
  float* out_;
  int64_t out_row_;
};

}  // namespace

void accumulate_outer_products(const float* x, int64_t ci, const float* g, int64_t co, int rows, float* out) {
  accumulate_block({x, g, 1, rows, 0, ci, 0, co}, ci, co, out, co);
}

namespace {

// With the roles of x and g exchanged: filters of the output channels over g, turned by half a turn, met by x.
void dfilter_exchanged(const Conv2DShape& s, const float* x, const float* g, float* dfilter, Runtime& runtime) {
  Conv2DShape other = s;
  other.h = s.oh, other.w = s.ow, other.ci = s.co, other.co = s.ci, other.oh = s.h, other.ow = s.w;
  other.top = (s.kh - 1) * s.dilation - s.top, other.left = (s.kw - 1) * s.dilation - s.left;
  const int64_t taps = int64_t{s.kh} * s.kw, size = int64_t{s.ci} * s.co;
  Scratch turned(runtime, static_cast<size_t>(taps * size));
  conv2d_dfilter_direct(other, g, x, turned.data(), runtime);
  for (int64_t tap = 0; tap < taps; tap++) {
    const float* from = turned.data() + (taps - 1 - tap) * size;
    float* to = dfilter + tap * size;
    for (int64_t i = 0; i < s.ci; i++)
      for (int64_t j = 0; j < s.co; j++) to[i * s.co + j] = from[j * s.ci + i];
  }
}

}  // namespace

void conv2d_dfilter_direct(const Conv2DShape& s, const float* x, const float* g, float* dfilter, Runtime& runtime) {
  // Columns are padded to whole vectors: the fewer channels had better be rows.
  if (s.stride == 1 && s.co <= lanes / 2 && s.ci >= lanes) return dfilter_exchanged(s, x, g, dfilter, runtime);
  const int64_t taps = int64_t{s.kh} * s.kw, co = ceil_div(s.co, lanes) * lanes;
  const int64_t size = taps * s.ci * co;  // of one copy, columns padded to whole vectors
  const int64_t row_floats = int64_t{s.ow} * (s.co + int64_t{s.ci} * s.stride);
  const int64_t rows_per_run = larger<int64_t>(1, smaller<int64_t>(s.oh, 8192 / larger<int64_t>(row_floats, 1)));
  const int64_t runs_per_image = ceil_div(s.oh, rows_per_run), runs = s.n * runs_per_image;
  const int64_t copies = smaller<int64_t>(threads_of(runtime), runs);
  Scratch sums(runtime, static_cast<size_t>(size * copies));
  parallel(runtime, copies, [&](int64_t copy, int) {
    float* own = sums.data() + copy * size;
    std::memset(own, 0, static_cast<size_t>(size) * 4);
    for (int64_t index = runs * copy / copies; index < runs * (copy + 1) / copies; index++) {
      const int64_t image = index / runs_per_image, first = index % runs_per_image * rows_per_run;
      const Span rows{static_cast<int>(first), static_cast<int>(smaller<int64_t>(s.oh, first + rows_per_run))};
      Band(s, x, g, image, rows, own, co).sum();
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
