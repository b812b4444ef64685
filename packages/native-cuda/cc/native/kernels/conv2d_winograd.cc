// 3×3 convolution of stride 1 by Winograd's minimal filtering F(4×4, 3×3): 36 multiplications where 144 stood.
// Lavin and Gray, Fast Algorithms for Convolutional Neural Networks (CVPR 2016), with the points 0, ±1, ±2, ∞.
//
//   y = Aᵀ [ (G f Gᵀ) ⊙ (Bᵀ d B) ] A    for each 4×4 tile of y and 6×6 tile d of x, summed over input channels
//
// The sum over channels is one matrix product for each of the 36 positions. A block of tiles goes through all three
// steps while it lies in the level-2 cache. The filter's gradient is the adjoint: dfilter = Gᵀ [ Σ (Bᵀ d B) ⊙ (A g Aᵀ)
// ] G.
//
// With a filter dilated by d, every d-th row and column of x meet every d-th of y alone: d × d pictures that lie
// interleaved, each convolved by the plain filter.
#include "conv2d.h"

namespace doppel::DOPPEL_ISA {

namespace {

constexpr int positions = 36;
constexpr int most_tiles = 48;  // of a block: a multiple of every tile_rows
constexpr int winograd_kind = 16 * lanes + 2;

// One side of a tile in its interleaved picture, whose rows (or columns) are first, first + d, first + 2d … of the
// whole.
struct Side {
  int first, count;
  int at;  // where the tile begins; may lie outside

  bool holds(int i) const { return at + i >= 0 && at + i < count; }
};

// Tiles of 4 × 4 outputs that cover the pictures, and the 6 × 6 inputs of each.
struct Tiles {
  int64_t n, down, across;
  int h, w, c;  // of the picture that is read
  int top, left;
  int oh, ow;
  int dilation;
  int64_t count() const { return n * dilation * dilation * down * across; }

  struct Tile {
    int64_t image;
    Side in_y, in_x, out_y, out_x;
  };
  Tile tile(int64_t index) const {
    const int64_t within = index % (down * across), picture = index / (down * across);
    const int phase = static_cast<int>(picture % (dilation * dilation)), row = phase / dilation,
              column = phase % dilation;
    const int y = static_cast<int>(within / across) * 4, x = static_cast<int>(within % across) * 4;
    return {picture / (dilation * dilation), inputs(row, y, top, h), inputs(column, x, left, w), side(row, y, oh),
            side(column, x, ow)};
  }
  // The tile's pixel (0, 0) in a map of the outputs' size and c channels.
  template <class T> T* first_output(const Tile& t, int64_t channels, T* map) const {
    const int64_t y = t.out_y.first + int64_t{t.out_y.at} * dilation,
                  x = t.out_x.first + int64_t{t.out_x.at} * dilation;
    return map + ((t.image * oh + y) * ow + x) * channels;
  }

 private:
  Side side(int first, int at, int size) const {
    return {first, size > first ? static_cast<int>(ceil_div(size - first, dilation)) : 0, at};
  }
  Side inputs(int phase, int at, int before, int size) const {
    const int start = phase - before, first = (start % dilation + dilation) % dilation;
    return side(first, at + (start - first) / dilation, size);
  }
};

Tiles tiles_of(int n, int h, int w, int c, int top, int left, int oh, int ow, int dilation) {
  return {n,       ceil_div(ceil_div(oh, dilation), 4), ceil_div(ceil_div(ow, dilation), 4), h, w, c, top, left, oh, ow,
          dilation};
}

// Bᵀ d, in place.
inline void input_transform(Vec& d0, Vec& d1, Vec& d2, Vec& d3, Vec& d4, Vec& d5) {
  const Vec four = splat(4), five = splat(5), two = splat(2);
  const Vec t0 = four * d0 - five * d2 + d4, t5 = four * d1 - five * d3 + d5;
  const Vec a = d4 - four * d2, b = d3 - four * d1, c = d4 - d2, e = two * (d3 - d1);
  d0 = t0, d1 = a + b, d2 = a - b, d3 = c + e, d4 = c - e, d5 = t5;
}

// Aᵀ m: six values to four.
inline void output_transform(const Vec* m, int step, Vec* s) {
  const Vec m0 = m[0], m1 = m[step], m2 = m[2 * step], m3 = m[3 * step], m4 = m[4 * step], m5 = m[5 * step];
  const Vec a = m1 + m2, b = m1 - m2, c = m3 + m4, d = m3 - m4;
  s[0] = m0 + a + c;
  s[1] = b + splat(2) * d;
  s[2] = a + splat(4) * c;
  s[3] = b + splat(8) * d + m5;
}

// A g: four values to six.
inline void gradient_transform(Vec d0, Vec d1, Vec d2, Vec d3, Vec* r, int step) {
  const Vec even = d0 + d2, odd = d1 + d3, even2 = d0 + splat(4) * d2, odd2 = splat(2) * d1 + splat(8) * d3;
  r[0] = d0;
  r[step] = even + odd;
  r[2 * step] = even - odd;
  r[3 * step] = even2 + odd2;
  r[4 * step] = even2 - odd2;
  r[5 * step] = d3;
}

// The transformed 6 × 6 tiles of x: out[position][tile][channel], `stride` floats between positions.
void transform_inputs(const Tiles& t, const float* x, int64_t from, int64_t to, const float* zeros, float* out,
                      int64_t stride) {
  const int64_t row = int64_t{t.w} * t.c;
  for (int64_t tile = from; tile < to; tile++, out += t.c) {
    const Tiles::Tile at = t.tile(tile);
    const Side &y = at.in_y, &across = at.in_x;
    const float* pixel[positions];
    const float* picture = x + at.image * t.h * row + y.first * row + int64_t{across.first} * t.c;
    const int64_t down_step = row * t.dilation, across_step = int64_t{t.c} * t.dilation;
    for (int i = 0; i < 6; i++) {
      for (int j = 0; j < 6; j++) {
        const bool inside = y.holds(i) && across.holds(j);
        pixel[i * 6 + j] = inside ? picture + (y.at + i) * down_step + (across.at + j) * across_step : zeros;
      }
    }
    for (int c = 0; c < t.c; c += lanes) {
      Vec d[6][6];
#pragma GCC unroll 6
      for (int j = 0; j < 6; j++) {
        Vec column[6];
#pragma GCC unroll 6
        for (int i = 0; i < 6; i++) column[i] = load(pixel[i * 6 + j] + c);
        input_transform(column[0], column[1], column[2], column[3], column[4], column[5]);
#pragma GCC unroll 6
        for (int i = 0; i < 6; i++) d[i][j] = column[i];
      }
#pragma GCC unroll 6
      for (int i = 0; i < 6; i++) {
        input_transform(d[i][0], d[i][1], d[i][2], d[i][3], d[i][4], d[i][5]);
#pragma GCC unroll 6
        for (int j = 0; j < 6; j++) store(out + (i * 6 + j) * stride + c, d[i][j]);
      }
    }
  }
}

// The transformed 4 × 4 tiles of g: out[position][tile][channel].
void transform_gradients(const Tiles& t, int co, const float* g, int64_t from, int64_t to, const float* zeros,
                         float* out, int64_t stride) {
  for (int64_t tile = from; tile < to; tile++, out += co) {
    const Tiles::Tile at = t.tile(tile);
    const float* first = t.first_output(at, co, g);
    const int64_t down_step = int64_t{t.ow} * co * t.dilation, across_step = int64_t{co} * t.dilation;
    const float* pixel[16];
    for (int i = 0; i < 4; i++)
      for (int j = 0; j < 4; j++)
        pixel[i * 4 + j] = at.out_y.holds(i) && at.out_x.holds(j) ? first + i * down_step + j * across_step : zeros;
    for (int c = 0; c < co; c += lanes) {
      Vec r[6][4];
#pragma GCC unroll 4
      for (int j = 0; j < 4; j++)
        gradient_transform(load(pixel[j] + c), load(pixel[4 + j] + c), load(pixel[8 + j] + c), load(pixel[12 + j] + c),
                           &r[0][j], 4);
#pragma GCC unroll 6
      for (int i = 0; i < 6; i++) {
        Vec full[6];
        gradient_transform(r[i][0], r[i][1], r[i][2], r[i][3], full, 1);
#pragma GCC unroll 6
        for (int j = 0; j < 6; j++) store(out + (i * 6 + j) * stride + c, full[j]);
      }
    }
  }
}

// Back to 4 × 4 outputs for `columns` channels from `column`, with bias and activation.
void transform_outputs(const Tiles& t, int co, const float* m, int64_t stride, int64_t from, int64_t to, int64_t column,
                       int columns, const float* bias, const Activation& activation, float* y) {
  for (int64_t tile = from; tile < to; tile++, m += columns) {
    const Tiles::Tile at = t.tile(tile);
    const int rows = at.out_y.count - at.out_y.at, wide = at.out_x.count - at.out_x.at;
    float* first = t.first_output(at, co, y) + column;
    const int64_t down_step = int64_t{t.ow} * co * t.dilation, across_step = int64_t{co} * t.dilation;
    for (int c = 0; c < columns; c += lanes) {
      Vec s[6][4];  // after the columns: [j][i]
#pragma GCC unroll 6
      for (int j = 0; j < 6; j++) {
        Vec in[6];
#pragma GCC unroll 6
        for (int i = 0; i < 6; i++) in[i] = load(m + (i * 6 + j) * stride + c);
        output_transform(in, 1, s[j]);
      }
      const Vec b = bias ? load(bias + column + c) : Vec{};
#pragma GCC unroll 4
      for (int i = 0; i < 4; i++) {
        Vec out[4];
        output_transform(&s[0][i], 4, out);
        if (i >= rows) continue;
        float* pixel = first + i * down_step + c;
#pragma GCC unroll 4
        for (int j = 0; j < 4; j++)
          if (j < wide) store(pixel + j * across_step, activate(out[j] + b, activation));
      }
    }
  }
}

// R rows of a (k apart) times the first V vectors of a panel of a filter.
template <int R, int V> inline void product_tile(const float* a, int k, const float* panel, float* c) {
  Vec acc[R][V];
#pragma GCC unroll 16
  for (int r = 0; r < R; r++) {
#pragma GCC unroll 2
    for (int v = 0; v < V; v++) acc[r][v] = Vec{};
  }
  for (int i = 0; i < k; i++, panel += tile_columns) {
    Vec f[V];
#pragma GCC unroll 2
    for (int v = 0; v < V; v++) f[v] = load(panel + v * lanes);
#pragma GCC unroll 16
    for (int r = 0; r < R; r++) {
      const Vec x = splat(a[int64_t{r} * k + i]);
#pragma GCC unroll 2
      for (int v = 0; v < V; v++) acc[r][v] += x * f[v];
    }
  }
#pragma GCC unroll 16
  for (int r = 0; r < R; r++) {
#pragma GCC unroll 2
    for (int v = 0; v < V; v++) store(c + (r * V + v) * lanes, acc[r][v]);
  }
}

template <int V> void product(const float* a, int64_t rows, int k, const float* panel, float* c) {
  constexpr int64_t columns = V * lanes;
  int64_t r = 0;
  for (; rows - r >= tile_rows; r += tile_rows) product_tile<tile_rows, V>(a + r * k, k, panel, c + r * columns);
  for (; rows - r >= 4; r += 4) product_tile<4, V>(a + r * k, k, panel, c + r * columns);
  for (; rows - r >= 1; r += 1) product_tile<1, V>(a + r * k, k, panel, c + r * columns);
}

// G f: three values to six.
inline void filter_transform(Vec f0, Vec f1, Vec f2, Vec* u, int step) {
  const Vec ends = f0 * splat(1.f / 24) + f2 * splat(1.f / 6), middle = f1 * splat(1.f / 12), sum = f0 + f2,
            sixth = splat(-1.f / 6);
  u[0] = f0 * splat(1.f / 4);
  u[step] = (sum + f1) * sixth;
  u[2 * step] = (sum - f1) * sixth;
  u[3 * step] = ends + middle;
  u[4 * step] = ends - middle;
  u[5 * step] = f2;
}

size_t transformed_floats(int k, int n) {
  return static_cast<size_t>(positions) * ceil_div(n, tile_columns) * k * tile_columns;
}

// filter [3, 3, k, n] → out[position][panel][k][tile_columns].
void transform_filter(const float* filter, int k, int n, float* out, Runtime& runtime) {
  constexpr int rows = 4;  // of a task
  const int64_t panels = ceil_div(n, tile_columns), size = panels * k * tile_columns, tap = int64_t{k} * n;
  parallel(runtime, ceil_div(k, rows), [&](int64_t task, int) {
    for (int64_t row = task * rows; row < smaller<int64_t>(k, (task + 1) * rows); row++) {
      for (int64_t column = 0; column < panels * tile_columns; column += lanes) {
        const float* from = filter + row * n + column;
        float* to = out + (column / tile_columns * k + row) * tile_columns + column % tile_columns;
        Vec half[6][3], u[6];
        for (int kx = 0; kx < 3; kx++) {
          auto at = [&](int ky) { return column < n ? load(from + (ky * 3 + kx) * tap) : Vec{}; };
          filter_transform(at(0), at(1), at(2), &half[0][kx], 3);
        }
        for (int i = 0; i < 6; i++) {
          filter_transform(half[i][0], half[i][1], half[i][2], u, 1);
          for (int l = 0; l < 6; l++) store(to + (i * 6 + l) * size, u[l]);
        }
      }
    }
  });
}

// The filter turned by 180° with its channels swapped: [3, 3, ci, co] → [3, 3, co, ci].
void turn_filter(const float* filter, int ci, int co, float* out, Runtime& runtime) {
  const int64_t size = int64_t{ci} * co;
  parallel(runtime, 9 * ceil_div(co, lanes), [&](int64_t task, int) {
    const int64_t tap = task % 9, first = task / 9 * lanes;
    const float* from = filter + (8 - tap) * size + first;
    float* to = out + tap * size + first * ci;
    for (int64_t i = 0; i < ci; i++)
      for (int o = 0; o < lanes; o++) to[o * ci + i] = from[i * co + o];
  });
}

// Tiles are dealt out in blocks; where blocks are too few for the threads, several tasks share the panels of a block.
struct Deal {
  int64_t block, blocks, shares;
};

// The deal that leaves the busiest thread the least to do. Of a block's rows those beyond a multiple of tile_rows cost
// a quarter more, as fewer share a load of the filter; each task transforms its block and has an overhead of some rows.
Deal deal_of(int64_t tiles, int64_t panels, int threads) {
  constexpr int64_t overhead = 4;
  Deal best{};
  int64_t least = INT64_MAX;
  for (int64_t block = most_tiles; block > 0; block -= 4) {
    const int64_t blocks = ceil_div(tiles, block), shares = smaller(panels, ceil_div(threads, blocks));
    const int64_t rows = block + block % tile_rows / 4;
    const int64_t load = ceil_div(blocks * shares, threads) * (ceil_div(rows, shares) + rows / 8 + overhead);
    if (load < least) least = load, best = {block, blocks, shares};
  }
  return best;
}

// y from the transformed filter: x has k channels, y has n.
void convolve(const Tiles& t, const float* x, const float* transformed, int n, const float* bias,
              const Activation& activation, float* y, Runtime& runtime) {
  const int k = t.c;
  const int64_t panels = ceil_div(n, tile_columns);
  const auto [block, blocks, shares] = deal_of(t.count(), panels, threads_of(runtime));
  // 16 floats more between positions, or their 36 streams would fall into the same sets of the cache.
  const int64_t in_stride = block * k + 16, out_stride = block * tile_columns + 16;
  const size_t size = static_cast<size_t>(positions * (in_stride + out_stride));
  Scratch scratch(runtime, size * threads_of(runtime)), zeros(runtime, k);
  std::memset(zeros.data(), 0, static_cast<size_t>(k) * 4);
  parallel(runtime, blocks * shares, [&, block = block, shares = shares](int64_t index, int thread) {
    float* v = scratch.data() + size * thread;
    float* m = v + positions * in_stride;
    const int64_t from = index / shares * block, to = smaller(t.count(), from + block), share = index % shares;
    transform_inputs(t, x, from, to, zeros.data(), v, in_stride);
    for (int64_t panel = panels * share / shares; panel < panels * (share + 1) / shares; panel++) {
      const int64_t column = panel * tile_columns;
      // Whole vectors only: n is a multiple of `lanes`, of tile_columns perhaps not.
      const int columns = smaller<int>(tile_columns, n - static_cast<int>(column));
      for (int position = 0; position < positions; position++) {
        (columns > lanes ? product<2> : product<1>)(v + position * in_stride, to - from, k,
                                                    transformed + (position * panels + panel) * k * tile_columns,
                                                    m + position * out_stride);
      }
      transform_outputs(t, n, m, out_stride, from, to, column, columns, bias, activation, y);
    }
  });
}

Tiles tiles_of(const Conv2DShape& s) { return tiles_of(s.n, s.h, s.w, s.ci, s.top, s.left, s.oh, s.ow, s.dilation); }

bool whole_vectors(const Conv2DShape& s) { return s.ci % lanes == 0 && s.co % lanes == 0; }

}  // namespace

bool winograd_serves(const Conv2DShape& s, int64_t fewest_tiles) {
  return s.kh == 3 && s.kw == 3 && s.stride == 1 && whole_vectors(s) && tiles_of(s).count() >= fewest_tiles &&
         s.oh >= 4 * s.dilation && s.ow >= 4 * s.dilation;
}

void conv2d_winograd(const Conv2D& p, Runtime& runtime) {
  const Conv2DShape& s = p.shape;
  const size_t floats = transformed_floats(s.ci, s.co);
  Scratch own(runtime, p.packed ? 0 : floats);
  const PackedForm form = p.packed ? packed_form(*p.packed, winograd_kind, floats) : PackedForm{own.data(), true};
  if (form.fresh) transform_filter(p.filter, s.ci, s.co, form.data, runtime);
  convolve(tiles_of(s), p.x, form.data, s.co, p.bias, p.activation, p.y, runtime);
}

// dx is the convolution of g with the filter turned by 180° and its channels swapped.
void conv2d_dx_winograd(const Conv2DShape& s, const float* g, const float* filter, float* dx, Runtime& runtime) {
  Scratch turned(runtime, size_t{9} * s.ci * s.co), transformed(runtime, transformed_floats(s.co, s.ci));
  turn_filter(filter, s.ci, s.co, turned.data(), runtime);
  transform_filter(turned.data(), s.co, s.ci, transformed.data(), runtime);
  const int reach = 2 * s.dilation;
  convolve(tiles_of(s.n, s.oh, s.ow, s.co, reach - s.top, reach - s.left, s.h, s.w, s.dilation), g, transformed.data(),
           s.ci, nullptr, Activation{}, dx, runtime);
}

// Sums by block of tiles, each thread into its own copy of dU.
void sum_by_tiles(const Tiles& t, int co, const float* x, const float* g, const float* zeros, int64_t copies,
                  float* sums, int64_t sum_size, Runtime& runtime) {
  const auto [block, blocks, shares] = deal_of(t.count(), 1, threads_of(runtime));
  const int64_t x_stride = block * t.c + 16, g_stride = block * co + 16, taps = int64_t{t.c} * co;
  const int64_t size = positions * (x_stride + g_stride);
  Scratch scratch(runtime, static_cast<size_t>(size * copies));
  parallel(runtime, copies, [&, block = block, blocks = blocks](int64_t copy, int) {
    float* v = scratch.data() + size * copy;
    float* d = v + positions * x_stride;
    float* sum = sums + sum_size * copy;
    std::memset(sum, 0, static_cast<size_t>(sum_size) * 4);
    for (int64_t index = blocks * copy / copies; index < blocks * (copy + 1) / copies; index++) {
      const int64_t from = index * block, to = smaller(t.count(), from + block);
      transform_inputs(t, x, from, to, zeros, v, x_stride);
      transform_gradients(t, co, g, from, to, zeros, d, g_stride);
      for (int position = 0; position < positions; position++) {
        accumulate_outer_products(v + position * x_stride, t.c, d + position * g_stride, co,
                                  static_cast<int>(to - from), sum + position * taps);
      }
    }
  });
}

// Sums by position: a group of tiles is transformed, then each position is one product, into the only copy of dU.
void sum_by_positions(const Tiles& t, int co, const float* x, const float* g, const float* zeros, float* sums,
                      Runtime& runtime) {
  constexpr int64_t run = 4, most = 128;  // tiles of a task, and of a group
  const int64_t group = smaller(t.count(), most), taps = int64_t{t.c} * co;
  const int64_t x_stride = group * t.c + 16, g_stride = group * co + 16;
  Scratch v(runtime, static_cast<size_t>(positions * x_stride)), d(runtime, static_cast<size_t>(positions * g_stride));
  for (int64_t first = 0; first < t.count(); first += group) {
    const int64_t count = smaller(group, t.count() - first);
    parallel(runtime, ceil_div(count, run), [&](int64_t task, int) {
      const int64_t from = task * run, to = smaller(count, from + run);
      transform_inputs(t, x, first + from, first + to, zeros, v.data() + from * t.c, x_stride);
      transform_gradients(t, co, g, first + from, first + to, zeros, d.data() + from * co, g_stride);
    });
    parallel(runtime, positions, [&](int64_t position, int) {
      float* sum = sums + position * taps;
      if (first == 0) std::memset(sum, 0, static_cast<size_t>(taps) * 4);
      accumulate_outer_products(v.data() + position * x_stride, t.c, d.data() + position * g_stride, co,
                                static_cast<int>(count), sum);
    });
  }
}

void conv2d_dfilter_winograd(const Conv2DShape& s, const float* x, const float* g, float* dfilter, Runtime& runtime) {
  const Tiles t = tiles_of(s);
  const int64_t taps = int64_t{s.ci} * s.co;
  const auto [block, blocks, shares] = deal_of(t.count(), 1, threads_of(runtime));
  // Reading and writing dU for each block of tiles, or the transformed tiles once more: what moves fewer bytes.
  const bool by_positions = taps > block * (s.ci + s.co);
  const int64_t sum_size = positions * taps;
  const int64_t copies = by_positions ? 1 : smaller<int64_t>(threads_of(runtime), blocks);
  Scratch sums(runtime, static_cast<size_t>(sum_size * copies)), zeros(runtime, larger(s.ci, s.co));
  std::memset(zeros.data(), 0, static_cast<size_t>(larger(s.ci, s.co)) * 4);
  if (by_positions) sum_by_positions(t, s.co, x, g, zeros.data(), sums.data(), runtime);
  else sum_by_tiles(t, s.co, x, g, zeros.data(), copies, sums.data(), sum_size, runtime);
  // dfilter = Gᵀ dU G, by input channel.
  parallel_range(runtime, s.ci, 4, [&](int64_t first, int64_t last) {
    for (int64_t c = first; c < last; c++) {
      for (int o = 0; o < s.co; o += lanes) {
        Vec u[6][6];
        for (int position = 0; position < positions; position++) {
          Vec total{};
          for (int64_t copy = 0; copy < copies; copy++)
            total += load(sums.data() + copy * sum_size + position * taps + c * s.co + o);
          u[position / 6][position % 6] = total;
        }
        Vec half[3][6];
        auto turn = [](Vec u0, Vec u1, Vec u2, Vec u3, Vec u4, Vec u5, Vec& w0, Vec& w1, Vec& w2) {
          const Vec a = (u1 + u2) * splat(1.f / 6), b = (u2 - u1) * splat(1.f / 6), e = u3 + u4, f = u3 - u4;
          w0 = u0 * splat(0.25f) - a + e * splat(1.f / 24);
          w1 = b + f * splat(1.f / 12);
          w2 = e * splat(1.f / 6) - a + u5;
        };
        for (int j = 0; j < 6; j++)
          turn(u[0][j], u[1][j], u[2][j], u[3][j], u[4][j], u[5][j], half[0][j], half[1][j], half[2][j]);
        for (int i = 0; i < 3; i++) {
          Vec w[3];
          turn(half[i][0], half[i][1], half[i][2], half[i][3], half[i][4], half[i][5], w[0], w[1], w[2]);
          for (int j = 0; j < 3; j++) store(dfilter + ((i * 3 + j) * int64_t{s.ci} + c) * s.co + o, w[j]);
        }
      }
    }
  });
}

}  // namespace doppel::DOPPEL_ISA
