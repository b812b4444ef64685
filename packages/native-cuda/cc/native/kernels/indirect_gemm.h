// The matrix kernel behind convolutions and dense layers: y[i, :] = act(Σ_t rows[i][t][0..k) · filter[t] + bias).
//
// Each of the m output rows has a pointer to k consecutive floats for each of the `taps` (XNNPACK's "indirect"
// convolution): a tap outside the picture points to zeros. So any stride, padding and kernel size is the same inner
// loop, and a matrix product is the case of one tap; with no tap at all (a stride wider than the filter) the result is
// the bias. The filter is packed into panels of tile_columns columns; a register block of tile_rows × 2 vectors
// accumulates over all taps.
#pragma once
#include "simd.h"

namespace doppel::DOPPEL_ISA {

struct PackedFilter {
  int taps, k, n;
  const float* data;  // [panel][tap][k][tile_columns], zeros past n
  static size_t floats(int taps, int k, int n) {
    return static_cast<size_t>(ceil_div(n, tile_columns)) * taps * k * tile_columns;
  }
};

// Packs element(tap, k, n) = source[tap_offset(tap) + k * k_stride + n * n_stride].
template <class TapOffset>
static void pack_filter(float* out, int taps, int k, int n, int64_t k_stride, int64_t n_stride, TapOffset tap_offset,
                        const float* source, Runtime& runtime) {
  const int64_t panels = ceil_div(n, tile_columns);
  auto pack_panel = [&](int64_t panel) {
    const int64_t first = panel * tile_columns, columns = smaller<int64_t>(tile_columns, n - first);
    float* to = out + panel * taps * k * tile_columns;
    for (int tap = 0; tap < taps; tap++) {
      const float* from = source + tap_offset(tap) + first * n_stride;
      for (int row = 0; row < k; row++, to += tile_columns, from += k_stride) {
        if (n_stride == 1)
          for (int64_t j = 0; j < columns; j++) to[j] = from[j];
        else
          for (int64_t j = 0; j < columns; j++) to[j] = from[j * n_stride];
        for (int64_t j = columns; j < tile_columns; j++) to[j] = 0;
      }
    }
  };
  if (static_cast<int64_t>(taps) * k * n < 32768)
    for (int64_t panel = 0; panel < panels; panel++) pack_panel(panel);
  else parallel(runtime, panels, [&](int64_t panel, int) { pack_panel(panel); });
}

// How an element of a row meets a vector of the filter.
struct Fp32Product {
  static inline Vec broadcast(const float* a) { return splat(*a); }
  static inline Vec add(Vec sum, Vec a, Vec f) { return sum + a * f; }
};

// R rows × V vectors of one panel. rows: [taps][R] pointers, out: R pointers to the row's element 0.
template <int R, int V, class Product>
static inline void indirect_vectors(const float* const* rows, int taps, int k, const float* panel, const float* bias,
                                    const Activation& activation, float* const* out, int64_t column, int64_t columns) {
  const int last = static_cast<int>(columns) - (V - 1) * lanes;  // columns of the last vector
  Vec acc[R][V];
#pragma GCC unroll 2
  for (int v = 0; v < V; v++) {
    const Vec b = bias ? get(bias + column + v * lanes, v < V - 1 ? lanes : last) : Vec{};
#pragma GCC unroll 16
    for (int r = 0; r < R; r++) acc[r][v] = b;
  }
  for (int tap = 0; tap < taps; tap++, rows += R) {
    const float* row[R];
#pragma GCC unroll 16
    for (int r = 0; r < R; r++) row[r] = rows[r];
    for (int i = 0; i < k; i++, panel += tile_columns) {
      Vec f[V];
#pragma GCC unroll 2
      for (int v = 0; v < V; v++) f[v] = load(panel + v * lanes);
#pragma GCC unroll 16
      for (int r = 0; r < R; r++) {
        const Vec a = Product::broadcast(row[r] + i);
#pragma GCC unroll 2
        for (int v = 0; v < V; v++) acc[r][v] = Product::add(acc[r][v], a, f[v]);
      }
    }
  }
#pragma GCC unroll 16
  for (int r = 0; r < R; r++) {
#pragma GCC unroll 2
    for (int v = 0; v < V; v++)
      put(out[r] + column + v * lanes, activate(acc[r][v], activation), v < V - 1 ? lanes : last);
  }
}

// The same for the columns that the panel has: one vector where they need no second.
template <int R, class Product>
static inline void indirect_tile(const float* const* rows, int taps, int k, const float* panel, const float* bias,
                                 const Activation& activation, float* const* out, int64_t column, int64_t columns) {
  (columns > lanes ? indirect_vectors<R, 2, Product> : indirect_vectors<R, 1, Product>)(
      rows, taps, k, panel, bias, activation, out, column, columns);
}

// rows.from(first, copies) goes through the rows from the first on: next(pointers, step) writes the `taps` pointers of
// one, `step` apart, and returns where its result goes. `copies` has room for taps × k floats a row.
template <class Product = Fp32Product, class Rows>
static void indirect_gemm(int64_t m, const PackedFilter& filter, const float* bias, const Activation& activation,
                          Runtime& runtime, const Rows& rows_of) {
  const int taps = filter.taps, k = filter.k;
  const int64_t panels = ceil_div(filter.n, tile_columns);
  // A block of rows whose pointers are made once and whose inputs stay in the level-2 cache over all panels.
  int64_t block = smaller<int64_t>(
      larger<int64_t>(tile_rows, 65536 / larger<int64_t>(1, static_cast<int64_t>(taps) * k)) / tile_rows * tile_rows,
      20 * tile_rows);
  if (block < 4 * tile_rows) block = 4 * tile_rows;
  const int64_t wanted = int64_t{4} * threads_of(runtime);
  while (block > tile_rows && ceil_div(m, block) < wanted) block -= tile_rows;
  const int64_t blocks = ceil_div(m, block);
  // Few rows: let tasks share the panels as well.
  const int64_t shares = blocks >= wanted ? 1 : smaller(panels, ceil_div(wanted, blocks));
  const size_t pointers = static_cast<size_t>(block) * (taps + 1);
  Scratch scratch(runtime, (pointers * sizeof(void*) * threads_of(runtime) + 3) / 4);
  const int64_t copies = block * taps * k;
  Scratch copied(runtime, static_cast<size_t>(copies * threads_of(runtime)));
  auto task = [&](int64_t index, int thread) {
    const int64_t from = index / shares * block, to = smaller(m, from + block);
    const int64_t share = index % shares;
    const int64_t first_panel = panels * share / shares, last_panel = panels * (share + 1) / shares;
    const float** rows = reinterpret_cast<const float**>(scratch.data()) + pointers * thread;
    float** out = const_cast<float**>(rows + block * taps);
    // Groups of tile_rows, then of 4, then single rows; pointers laid out [group][tap][rows of the group].
    int64_t at = from;
    const float** group = rows;
    auto cursor = rows_of.from(from, copied.data() + copies * thread);
    while (at < to) {
      const int r = to - at >= tile_rows ? tile_rows : to - at >= 4 ? 4 : 1;
      for (int j = 0; j < r; j++, at++) out[at - from] = cursor.next(group + j, r);
      group += r * taps;
    }
    for (int64_t p = first_panel; p < last_panel; p++) {
      const float* panel = filter.data + p * taps * k * tile_columns;
      const int64_t column = p * tile_columns, columns = smaller<int64_t>(tile_columns, filter.n - column);
      int64_t i = from;
      const float* const* g = rows;
      for (; to - i >= tile_rows; i += tile_rows, g += tile_rows * taps)
        indirect_tile<tile_rows, Product>(g, taps, k, panel, bias, activation, out + (i - from), column, columns);
      for (; to - i >= 4; i += 4, g += 4 * taps)
        indirect_tile<4, Product>(g, taps, k, panel, bias, activation, out + (i - from), column, columns);
      for (; to - i >= 1; i += 1, g += taps)
        indirect_tile<1, Product>(g, taps, k, panel, bias, activation, out + (i - from), column, columns);
    }
  };
  if (m * filter.n * taps * k < 65536)
    for (int64_t t = 0; t < blocks * shares; t++) task(t, 0);
  else parallel(runtime, blocks * shares, task);
}

}  // namespace doppel::DOPPEL_ISA
