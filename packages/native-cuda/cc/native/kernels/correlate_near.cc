// Correlation of maps at near displacements, and its gradients: products of runs of neighbouring cells, which lie
// together in both maps.
#include "table.h"

namespace doppel::DOPPEL_ISA {

namespace {

// Displacements by columns that share the reading of a.
constexpr int group = 5;

Vec dot(const float* a, const float* b, int64_t count) {
  Vec sum{};
  each_vector(count, [&](int64_t i, int n) { sum += get(a + i, n) * get(b + i, n); });
  return sum;
}

// totals[g] += a · b displaced by g·c, over `count` neighbours.
template <int g> void dots(const float* a, const float* b, int64_t c, int64_t count, Vec* totals) {
  Vec sums[2][g] = {};
  int64_t i = 0;
  for (; i + 2 * lanes <= count; i += 2 * lanes) {
#pragma GCC unroll 2
    for (int half = 0; half < 2; half++) {
      const Vec v = load(a + i + half * lanes);
#pragma GCC unroll 5
      for (int j = 0; j < g; j++) sums[half][j] += v * load(b + i + half * lanes + j * c);
    }
  }
  for (int j = 0; j < g; j++) totals[j] += sums[0][j] + sums[1][j];
  if (i < count)
    for (int j = 0; j < g; j++) totals[j] += dot(a + i, b + i + j * c, count - i);
}

// Columns of a whose partners at displacement `by` are inside.
struct Columns {
  int64_t first, last;
  Columns(int w, int by) : first(larger(0, -by)), last(w - larger(0, by)) {}
};

// One row of a with one of b, for g displacements from `first` on.
template <int g> void row_group(const CorrelateNearShape& s, const float* a, const float* b, int first, Vec* totals) {
  const int64_t c = s.c, from = Columns(s.w, first).first, to = Columns(s.w, first + g - 1).last;
  if (from < to) dots<g>(a + from * c, b + (from + first) * c, c, (to - from) * c, totals);
  for (int j = 0; j < g; j++) {  // what only some of them have
    const Columns mine(s.w, first + j);
    const int64_t by = (first + j) * c, left = smaller(from, mine.last), right = larger(to, mine.first);
    if (from >= to) {
      if (mine.first < mine.last)
        totals[j] += dot(a + mine.first * c, b + mine.first * c + by, (mine.last - mine.first) * c);
      continue;
    }
    if (mine.first < left) totals[j] += dot(a + mine.first * c, b + mine.first * c + by, (left - mine.first) * c);
    if (right < mine.last) totals[j] += dot(a + right * c, b + right * c + by, (mine.last - right) * c);
  }
}

template <int g> void row_groups(const CorrelateNearShape& s, const float* a, const float* b, int first, Vec* totals) {
  for (; first + g <= s.reach + 1; first += g) row_group<g>(s, a, b, first, totals + s.reach + first);
  if constexpr (g > 1) row_groups<g - 1>(s, a, b, first, totals);
}

void correlate_maps(const CorrelateNearShape& s, const float* a, const float* b, Vec* totals, float* y) {
  const int64_t row = int64_t{s.w} * s.c, places = int64_t{s.side()} * s.side();
  for (int64_t place = 0; place < places; place++) totals[place] = Vec{};
  for (int i = 0; i < s.h; i++)
    for (int by = larger(-s.reach, -i); by <= smaller(s.reach, s.h - 1 - i); by++)
      row_groups<group>(s, a + i * row, b + (i + by) * row, -s.reach, totals + (by + s.reach) * s.side());
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
      const Columns columns(s.w, sign * bx);
      if (columns.first >= columns.last) continue;
      const float* from = other + (int64_t{partner} * s.w + columns.first + sign * bx) * c;
      float* first = to + columns.first * c;
      const Vec d = splat(dy[(by + s.reach) * s.side() + bx + s.reach] * scale);
      each_vector((columns.last - columns.first) * c,
                  [&](int64_t j, int n) { put(first + j, get(first + j, n) + d * get(from + j, n), n); });
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
  Scratch totals(runtime, static_cast<size_t>(threads_of(runtime) * places * lanes));
  parallel(runtime, s.n, [&](int64_t n, int thread) {
    Vec* mine = reinterpret_cast<Vec*>(totals.data()) + thread * places;
    correlate_maps(s, p.a + (s.single_a ? 0 : n * s.map()), p.b + (s.single_b ? 0 : n * s.map()), mine,
                   p.y + n * places);
  });
}

void correlate_near_backprop(const CorrelateNearBackprop& p, Runtime& runtime) {
  const CorrelateNearShape& s = p.shape;
  gradient(s, p.dy, p.b, s.single_b, 1, p.da, s.single_a, runtime);
  gradient(s, p.dy, p.a, s.single_a, -1, p.db, s.single_b, runtime);
}

}  // namespace doppel::DOPPEL_ISA
