// Correlation of templates with windows by the Fourier transform, and its gradients likewise. Both are circular in
// rectangles as large as the windows or a little larger: no valid place wraps round. Three steps:
//
//   rows       each pair of real rows becomes two half spectra                                 [column k][row y][lane]
//   columns    for each k: columns are transformed, multiplied by frequency, and transformed back
//   rows back  pairs of half spectra become pairs of real rows
//
// A lane is one signal: a channel of an image, or a map. Lanes lie together, so that every transform works on vectors
// of them and a product by frequency is one of small complex matrices. Templates (and dy) are transformed with the
// opposite sign, which conjugates their spectra for nothing.
#include "fft.h"
#include "table.h"

namespace doppel::DOPPEL_ISA {

namespace {

int64_t whole_vectors(int64_t count) { return ceil_div(count, lanes) * lanes; }

// Real signals as they lie: outer·inner lanes of rows × columns numbers. F: float or const float.
template <class F> struct Signals {
  F* data;
  int rows, columns;
  int64_t row_stride, column_stride;
  int64_t outer, outer_stride, inner, inner_stride;

  int64_t count() const { return outer * inner; }
};

// [n, h, w, c], a lane for each image and channel in this order
template <class F> Signals<F> by_image(F* data, int n, int h, int w, int c) {
  return {data, h, w, int64_t{w} * c, c, n, int64_t{h} * w * c, c, 1};
}

// The same, a lane for each channel and image
template <class F> Signals<F> by_channel(F* data, int n, int h, int w, int c) {
  return {data, h, w, int64_t{w} * c, c, c, 1, n, int64_t{h} * w * c};
}

// Where a vector of lanes lies.
struct Strip {
  int64_t at[lanes];
  int count;
  bool together;

  template <class F> Strip(const Signals<F>& s, int64_t first) {
    count = static_cast<int>(smaller<int64_t>(lanes, s.count() - first));
    together = count == lanes;
    int64_t outer = first / s.inner, inner = first % s.inner;
    for (int i = 0; i < lanes; i++) {
      at[i] = i < count ? outer * s.outer_stride + inner * s.inner_stride : at[0];
      together = together && at[i] == at[0] + i;
      if (++inner == s.inner) inner = 0, outer++;
    }
  }
  Vec read(const float* from) const {
    if (together) return load(from + at[0]);
    Vec v{};
    for (int i = 0; i < lanes; i++) v[i] = from[at[i]];
    return v;
  }
  void write(float* to, Vec v) const {
    if (together) return store(to + at[0], v);
    for (int i = 0; i < count; i++) to[at[i]] = v[i];
  }
};

// Half spectra of the rows of signals: complex numbers [k][y][lane], the real parts of a row before the imaginary ones.
struct RowSpectra {
  float* data;
  int rows;
  int64_t stride;  // floats from real to imaginary parts

  static int64_t stride_for(int64_t lanes_used) { return whole_vectors(lanes_used) + lanes; }
  Line at(int k, int y) const {
    float* re = data + (int64_t{k} * rows + y) * 2 * stride;
    return {re, re + stride};
  }
};

// The transforms of one correlation, and memory of each thread.
struct Plan {
  Fft along_rows, along_columns;
  float* lines;  // by thread
  int64_t line;  // floats of a line of vectors

  int half() const { return along_rows.n / 2 + 1; }
  Line line_of(int thread, int i) const {
    float* re = lines + (int64_t{thread} * 2 + i) * 2 * line;
    return {re, re + line};
  }
};

constexpr int64_t strips_a_task = 64;

// Calls f(strip, pair's first row, first lane, thread) for all pairs of rows and strips.
template <class F, class G> void each_pair(const Signals<F>& s, Runtime& runtime, const G& f) {
  const int64_t strips = ceil_div(s.count(), lanes), runs = ceil_div(strips, strips_a_task);
  parallel(runtime, ceil_div(s.rows, 2) * runs, [&](int64_t task, int thread) {
    const int y = static_cast<int>(task / runs * 2);
    const int64_t first = task % runs * strips_a_task, last = smaller(strips, first + strips_a_task);
    for (int64_t strip = first; strip < last; strip++) f(Strip(s, strip * lanes), y, strip * lanes, thread);
  });
}

// Two rows x and x' are transformed as one, z = x + i·x': X[k] = (Z[k] + conj Z[n − k]) / 2, X'[k] = (Z[k] − conj Z[n −
// k]) / 2i. `opposite`: of the opposite sign.
void rows_in(const Plan& plan, const Signals<const float>& s, bool opposite, RowSpectra to, Runtime& runtime) {
  const int n = plan.along_rows.n;
  each_pair(s, runtime, [&](const Strip& strip, int y, int64_t lane, int thread) {
    Line z = plan.line_of(thread, 0);
    const bool both = y + 1 < s.rows;
    for (int x = 0; x < n; x++) {
      const float* from = s.data + y * s.row_stride + x * s.column_stride;
      const bool inside = x < s.columns;
      store(z.re + int64_t{x} * lanes, inside ? strip.read(from) : Vec{});
      store(z.im + int64_t{x} * lanes, inside && both ? strip.read(from + s.row_stride) : Vec{});
    }
    const Line spare = plan.line_of(thread, 1);
    z = opposite ? swapped(transform(plan.along_rows, swapped(z), swapped(spare)))
                 : transform(plan.along_rows, z, spare);
    const Vec half = splat(0.5f);
    for (int k = 0; k < plan.half(); k++) {
      const int64_t at = int64_t{k} * lanes, mirror = int64_t{(n - k) % n} * lanes;
      const Vec re = load(z.re + at), im = load(z.im + at), other_re = load(z.re + mirror),
                other_im = load(z.im + mirror);
      const Line first = to.at(k, y);
      store(first.re + lane, (re + other_re) * half);
      store(first.im + lane, (im - other_im) * half);
      if (!both) continue;
      const Line second = to.at(k, y + 1);
      store(second.re + lane, (im + other_im) * half);
      store(second.im + lane, (other_re - re) * half);
    }
  });
}

// The way back, of the sign of rows_in: Z[k] = X[k] + i·X'[k], and what mirrors it.
void rows_out(const Plan& plan, RowSpectra from, bool opposite, float scale, const Signals<float>& s,
              Runtime& runtime) {
  const int n = plan.along_rows.n;
  each_pair(s, runtime, [&](const Strip& strip, int y, int64_t lane, int thread) {
    Line z = plan.line_of(thread, 0);
    const bool both = y + 1 < s.rows;
    for (int k = 0; k < plan.half(); k++) {
      const Line first = from.at(k, y), second = from.at(k, both ? y + 1 : y);
      const Vec re = load(first.re + lane), im = load(first.im + lane);
      const Vec re2 = both ? load(second.re + lane) : Vec{}, im2 = both ? load(second.im + lane) : Vec{};
      const int64_t at = int64_t{k} * lanes, mirror = int64_t{(n - k) % n} * lanes;
      store(z.re + mirror, re + im2);
      store(z.im + mirror, re2 - im);
      store(z.re + at, re - im2);
      store(z.im + at, im + re2);
    }
    const Line spare = plan.line_of(thread, 1);
    z = opposite ? swapped(transform(plan.along_rows, swapped(z), swapped(spare)))
                 : transform(plan.along_rows, z, spare);
    for (int x = 0; x < s.columns; x++) {
      float* to = s.data + y * s.row_stride + x * s.column_stride;
      strip.write(to, load(z.re + int64_t{x} * lanes) * splat(scale));
      if (both) strip.write(to + s.row_stride, load(z.im + int64_t{x} * lanes) * splat(scale));
    }
  });
}

// A column k of spectra, both ways transformed: [frequency][lane], as RowSpectra with a row for each frequency.
Line frequency(float* data, int64_t stride, int f) { return {data + f * 2 * stride, data + (2 * f + 1) * stride}; }

void columns_in(const Plan& plan, RowSpectra from, int k, bool opposite, float* to, int thread) {
  const Fft& fft = plan.along_columns;
  for (int64_t lane = 0; lane < from.stride - lanes; lane += lanes) {
    Line z = plan.line_of(thread, 0);
    for (int y = 0; y < fft.n; y++) {
      const bool inside = y < from.rows;
      const Line row = from.at(k, inside ? y : 0);
      store(z.re + int64_t{y} * lanes, inside ? load(row.re + lane) : Vec{});
      store(z.im + int64_t{y} * lanes, inside ? load(row.im + lane) : Vec{});
    }
    const Line spare = plan.line_of(thread, 1);
    z = opposite ? swapped(transform(fft, swapped(z), swapped(spare))) : transform(fft, z, spare);
    for (int f = 0; f < fft.n; f++) {
      const Line row = frequency(to, from.stride, f);
      store(row.re + lane, load(z.re + int64_t{f} * lanes));
      store(row.im + lane, load(z.im + int64_t{f} * lanes));
    }
  }
}

// `count` lanes of [frequency][lane] to the lanes from `first` on, in ascending order: the last vector may write past
// them.
void columns_out(const Plan& plan, float* from, int64_t stride, int64_t count, bool opposite, RowSpectra to, int k,
                 int64_t first, int thread) {
  const Fft& fft = plan.along_columns;
  for (int64_t lane = 0; lane < count; lane += lanes) {
    Line z = plan.line_of(thread, 0);
    for (int f = 0; f < fft.n; f++) {
      const Line row = frequency(from, stride, f);
      store(z.re + int64_t{f} * lanes, load(row.re + lane));
      store(z.im + int64_t{f} * lanes, load(row.im + lane));
    }
    const Line spare = plan.line_of(thread, 1);
    z = opposite ? swapped(transform(fft, swapped(z), swapped(spare))) : transform(fft, z, spare);
    for (int y = 0; y < to.rows; y++) {
      const Line row = to.at(k, y);
      store(row.re + first + lane, load(z.re + int64_t{y} * lanes));
      store(row.im + first + lane, load(z.im + int64_t{y} * lanes));
    }
  }
}

// A complex matrix by rows i and inner index k, at any strides.
struct Factor {
  Line data;
  int64_t row, inner;
};

// `rows` rows of y [i][j] = Σ_k x[i, k]·v[k][j], n of a vector's columns.
template <int rows>
void product_tile(const Factor& x, int depth, Line v, int64_t columns, Line y, int64_t i, int64_t j, int n) {
  Vec re[rows] = {}, im[rows] = {};
  for (int k = 0; k < depth; k++) {
    const Vec v_re = load(v.re + k * columns + j), v_im = load(v.im + k * columns + j);
#pragma GCC unroll 12
    for (int r = 0; r < rows; r++) {
      const int64_t at = (i + r) * x.row + k * x.inner;
      const Vec x_re = splat(x.data.re[at]), x_im = splat(x.data.im[at]);
      re[r] += x_re * v_re;
      im[r] += x_re * v_im;
      re[r] -= x_im * v_im;
      im[r] += x_im * v_re;
    }
  }
  for (int r = 0; r < rows; r++) {
    put(y.re + (i + r) * columns + j, re[r], n);
    put(y.im + (i + r) * columns + j, im[r], n);
  }
}

template <int rows>
void product_rows(const Factor& x, int64_t count, int depth, Line v, int64_t columns, Line y, int64_t i = 0) {
  for (; i + rows <= count; i += rows)
    each_vector(columns, [&](int64_t j, int n) { product_tile<rows>(x, depth, v, columns, y, i, j, n); });
  if constexpr (rows > 1) product_rows<(rows > 8 ? 4 : rows > 4 ? 2 : 1)>(x, count, depth, v, columns, y, i);
}

// One product by frequency: x is a spectrum of `rows` × `depth` lanes at these strides, v one of depth × columns lanes;
// y goes back to the lanes rows × columns of `to`. By blocks of rows, so that a block's frequencies stay in the cache.
struct Product {
  float* x;
  int64_t x_stride, row, inner;
  float* v;
  int64_t v_stride;
  int64_t rows, columns;
  int depth;

  int64_t block(int frequencies) const {
    const int64_t fit = int64_t{16384} / (2 * frequencies * columns);
    return smaller(rows, larger<int64_t>(tile_rows, fit / tile_rows * tile_rows));
  }
  int64_t floats(int frequencies) const {
    return int64_t{2} * frequencies * RowSpectra::stride_for(block(frequencies) * columns);
  }

  void run(const Plan& plan, float* y, bool opposite, RowSpectra to, int k, int thread) const {
    const int frequencies = plan.along_columns.n;
    const int64_t most = block(frequencies), y_stride = RowSpectra::stride_for(most * columns);
    for (int64_t i = 0; i < rows; i += most) {
      const int64_t count = smaller(most, rows - i);
      for (int f = 0; f < frequencies; f++) {
        Line of_block = frequency(x, x_stride, f);
        of_block.re += i * row, of_block.im += i * row;
        product_rows<tile_rows>({of_block, row, inner}, count, depth, frequency(v, v_stride, f), columns,
                                frequency(y, y_stride, f));
      }
      columns_out(plan, y, y_stride, count * columns, opposite, to, k, i * columns, thread);
    }
  }
};

// Memory of an op: row spectra, tables and what each thread needs, in one block each.
struct Spectra {
  Scratch scratch;
  RowSpectra rows;

  Spectra(Runtime& runtime, const Plan& plan, int rows, int64_t count)
      : scratch(runtime, static_cast<size_t>(plan.half()) * rows * 2 * RowSpectra::stride_for(count)),
        rows{scratch.data(), rows, RowSpectra::stride_for(count)} {}

  int64_t column_floats(const Plan& plan) const { return plan.along_columns.n * 2 * rows.stride; }
};

struct PlanMemory {
  Scratch turns, lines;
  Plan plan;

  PlanMemory(Runtime& runtime, const CorrelateShape& s) : PlanMemory(runtime, fft_size(s.width), fft_size(s.height)) {}
  PlanMemory(Runtime& runtime, int row, int column)
      : turns(runtime, static_cast<size_t>(row + column) * 2),
        lines(runtime, static_cast<size_t>(threads_of(runtime)) * 4 * larger(row, column) * lanes_of_line),
        plan{make_fft(row, turns.data()), make_fft(column, turns.data() + 2 * row), lines.data(),
             int64_t{larger(row, column)} * lanes_of_line} {}

 private:
  static constexpr int lanes_of_line = DOPPEL_ISA::lanes;
};

// What a mean over a template's cells and the two transforms back divide by.
float scale_of(const CorrelateShape& s, const Plan& plan) {
  return static_cast<float>(1.0 / (double{1} * s.h * s.v * plan.along_rows.n * plan.along_columns.n));
}

}  // namespace

// By frequency y[w, t] = Σ_c windows[w, c]·conj templates[c, t].
void correlate(const Correlate& p, Runtime& runtime) {
  const CorrelateShape& s = p.shape;
  const PlanMemory memory(runtime, s);
  const Plan& plan = memory.plan;
  const int64_t maps = int64_t{s.w} * s.t, cells = int64_t{s.rows()} * s.columns();
  const Spectra a(runtime, plan, s.h, int64_t{s.c} * s.t), b(runtime, plan, s.height, int64_t{s.w} * s.c),
      y(runtime, plan, s.rows(), maps);
  rows_in(plan, by_channel(p.templates, s.t, s.h, s.v, s.c), true, a.rows, runtime);
  rows_in(plan, by_image(p.windows, s.w, s.height, s.width, s.c), false, b.rows, runtime);

  const int64_t a_floats = a.column_floats(plan), b_floats = b.column_floats(plan);
  Product product{nullptr, b.rows.stride, s.c, 1, nullptr, a.rows.stride, s.w, s.t, s.c};
  const int64_t floats = a_floats + b_floats + product.floats(plan.along_columns.n);
  Scratch columns(runtime, static_cast<size_t>(threads_of(runtime) * floats));
  parallel(runtime, plan.half(), [&](int64_t k, int thread) {
    float* of_a = columns.data() + thread * floats;
    Product mine = product;
    mine.v = of_a, mine.x = of_a + a_floats;
    columns_in(plan, a.rows, static_cast<int>(k), true, mine.v, thread);
    columns_in(plan, b.rows, static_cast<int>(k), false, mine.x, thread);
    mine.run(plan, mine.x + b_floats, true, y.rows, static_cast<int>(k), thread);
  });
  const Signals<float> out{p.y, s.rows(), s.columns(), s.columns(), 1, s.w, cells, s.t, s.w * cells};
  rows_out(plan, y.rows, true, scale_of(s, plan), out, runtime);
}

// By frequency, with e the conjugate of dy: dtemplates[t, c] = Σ_w e[t, w]·windows[w, c], and the conjugate of
// dwindows[w, c] = Σ_t e[t, w]·conj templates[t, c].
void correlate_backprop(const CorrelateBackprop& p, Runtime& runtime) {
  const CorrelateShape& s = p.shape;
  const PlanMemory memory(runtime, s);
  const Plan& plan = memory.plan;
  const int64_t cells = int64_t{s.rows()} * s.columns();
  const int64_t a_lanes = int64_t{s.t} * s.c, b_lanes = int64_t{s.w} * s.c, maps = int64_t{s.t} * s.w;
  const Spectra a(runtime, plan, s.h, a_lanes), b(runtime, plan, s.height, b_lanes), e(runtime, plan, s.rows(), maps);
  rows_in(plan, by_image(p.templates, s.t, s.h, s.v, s.c), true, a.rows, runtime);
  rows_in(plan, by_image(p.windows, s.w, s.height, s.width, s.c), false, b.rows, runtime);
  rows_in(plan, {p.dy, s.rows(), s.columns(), s.columns(), 1, 1, 0, maps, cells}, true, e.rows, runtime);

  const int frequencies = plan.along_columns.n;
  const int64_t a_floats = a.column_floats(plan), b_floats = b.column_floats(plan), e_floats = e.column_floats(plan);
  const Product for_templates{nullptr, e.rows.stride, s.w, 1, nullptr, b.rows.stride, s.t, s.c, s.w};
  const Product for_windows{nullptr, e.rows.stride, 1, s.w, nullptr, a.rows.stride, s.w, s.c, s.t};
  const int64_t floats =
      a_floats + b_floats + e_floats + larger(for_templates.floats(frequencies), for_windows.floats(frequencies));
  Scratch columns(runtime, static_cast<size_t>(threads_of(runtime) * floats));
  parallel(runtime, plan.half(), [&](int64_t task, int thread) {
    const int k = static_cast<int>(task);
    float* of_a = columns.data() + thread * floats;
    float *of_b = of_a + a_floats, *of_e = of_b + b_floats, *y = of_e + e_floats;
    columns_in(plan, a.rows, k, true, of_a, thread);
    columns_in(plan, b.rows, k, false, of_b, thread);
    columns_in(plan, e.rows, k, true, of_e, thread);
    Product product = for_templates;
    product.x = of_e, product.v = of_b;
    product.run(plan, y, true, a.rows, k, thread);  // the spectra of column k are read already
    product = for_windows;
    product.x = of_e, product.v = of_a;
    product.run(plan, y, false, b.rows, k, thread);
  });
  rows_out(plan, a.rows, true, scale_of(s, plan), by_image(p.dtemplates, s.t, s.h, s.v, s.c), runtime);
  rows_out(plan, b.rows, false, scale_of(s, plan), by_image(p.dwindows, s.w, s.height, s.width, s.c), runtime);
}

}  // namespace doppel::DOPPEL_ISA
