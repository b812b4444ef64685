// Correlation of maps at near displacements, and its gradients: products of runs of neighbouring cells, which lie
// together in both maps.
#include "table.h"

namespace doppel::DOPPEL_ISA {

namespace {

// Displacements by columns and by rows that are summed together: each vector of b is read once for two rows of a.
constexpr int group = 5;
constexpr int rows_together = 2;

// totals[r·side + j] += row −r of a · b displaced by j cells.
template <int rows, int g> void dots(const CorrelateNearShape& s, const float* a, const float* b, Vec* totals) {
  const int64_t c = s.c, count = int64_t{s.w} * c;
  Vec sums[rows][g] = {};
  each_vector(count, [&](int64_t i, int n) {
    Vec of_a[rows];
    for (int r = 0; r < rows; r++) of_a[r] = get(a - r * count + i, n);
#pragma GCC unroll 5
    for (int j = 0; j < g; j++) {
      const Vec v = get(b + i + j * c, n);
      for (int r = 0; r < rows; r++) sums[r][j] += of_a[r] * v;
    }
  });
  for (int r = 0; r < rows; r++)
    for (int j = 0; j < g; j++) totals[r * s.side() + j] += sums[r][j];
}

// For the displacements from the `first`-th on.
template <int rows, int g>
void dots_from(const CorrelateNearShape& s, const float* a, const float* padded, int first, Vec* totals) {
  for (; first + g <= s.side(); first += g) dots<rows, g>(s, a, padded + int64_t{first} * s.c, totals + first);
  if constexpr (g > 1) dots_from<rows, g - 1>(s, a, padded, first, totals);
}

int64_t padded_row(const CorrelateNearShape& s) { return (int64_t{s.w} + 2 * s.reach) * s.c; }

// padded: zeros at both ends, where a row of b goes between.
void correlate_maps(const CorrelateNearShape& s, const float* a, const float* b, float* padded, Vec* totals, float* y) {
  const int64_t row = int64_t{s.w} * s.c, places = int64_t{s.side()} * s.side();
  for (int64_t place = 0; place < places; place++) totals[place] = Vec{};
  for (int i = 0; i < s.h; i++) {
    std::memcpy(padded + int64_t{s.reach} * s.c, b + i * row, static_cast<size_t>(row) * 4);
    int by = larger(-s.reach, i - s.h + 1);
    const int last = smaller(s.reach, i);
    for (; by + rows_together - 1 <= last; by += rows_together)
      dots_from<rows_together, group>(s, a + (i - by) * row, padded, 0, totals + (by + s.reach) * s.side());
    for (; by <= last; by++) dots_from<1, group>(s, a + (i - by) * row, padded, 0, totals + (by + s.reach) * s.side());
  }
  const float scale = 1.f / (static_cast<float>(s.h) * static_cast<float>(s.w));
  for (int64_t place = 0; place < places; place++) y[place] = sum_of(totals[place]) * scale;
}

// One row of a gradient: to[x] += Σ dy[by, bx] · other[i + sign·by, x + sign·bx]
void add_row(const CorrelateNearShape& s, const float* dy, const float* other, int i, int sign, float* to) {
  const int64_t c = s.c;
  const float scale = 1.f / (static_cast<float>(s.h) * static_cast<float>(s.w));
  for (int by = -s.reach; by <= s.reach; by++) {
    const int partner = i + sign * by;
    if (partner < 0 || partner >= s.h) continue;
    for (int bx = -s.reach; bx <= s.reach; bx++) {
      const int by_columns = sign * bx, first = larger(0, -by_columns), last = s.w - larger(0, by_columns);
      if (first >= last) continue;
      const float* from = other + (int64_t{partner} * s.w + first + by_columns) * c;
      float* at = to + first * c;
      const Vec d = splat(dy[(by + s.reach) * s.side() + bx + s.reach] * scale);
      each_vector((last - first) * c, [&](int64_t j, int n) { put(at + j, get(at + j, n) + d * get(from + j, n), n); });
    }
  }
}

// The gradient of one side by the other: of a single map it is summed over all of the other's.
void gradient(const CorrelateNearShape& s, const float* dy, const float* other, bool single_other, int sign, float* to,
              bool single, Runtime& runtime) {
  const int64_t row = int64_t{s.w} * s.c, outputs = single ? 1 : s.n, places = int64_t{s.side()} * s.side();
  parallel(runtime, outputs * s.h, [&](int64_t task, int) {
    const int64_t output = task / s.h;
    float* mine = to + task * row;
    std::memset(mine, 0, static_cast<size_t>(row) * 4);
    for (int64_t n = output; n < (single ? s.n : output + 1); n++)
      add_row(s, dy + n * places, other + (single_other ? 0 : n * s.map()), static_cast<int>(task % s.h), sign, mine);
  });
}

}  // namespace

void correlate_near(const CorrelateNear& p, Runtime& runtime) {
  const CorrelateNearShape& s = p.shape;
  const int64_t places = int64_t{s.side()} * s.side();
  const int64_t threads = threads_of(runtime), row = padded_row(s);
  Scratch totals(runtime, static_cast<size_t>(threads * places * lanes)),
      rows(runtime, static_cast<size_t>(threads * row));
  std::memset(rows.data(), 0, static_cast<size_t>(threads * row) * 4);
  parallel(runtime, s.n, [&](int64_t n, int thread) {
    const float *a = p.a + (s.single_a ? 0 : n * s.map()), *b = p.b + (s.single_b ? 0 : n * s.map());
    Vec* mine = reinterpret_cast<Vec*>(totals.data()) + thread * places;
    correlate_maps(s, a, b, rows.data() + thread * row, mine, p.y + n * places);
  });
}

void correlate_near_backprop(const CorrelateNearBackprop& p, Runtime& runtime) {
  const CorrelateNearShape& s = p.shape;
  gradient(s, p.dy, p.b, s.single_b, 1, p.da, s.single_a, runtime);
  gradient(s, p.dy, p.a, s.single_a, -1, p.db, s.single_b, runtime);
}

}  // namespace doppel::DOPPEL_ISA
