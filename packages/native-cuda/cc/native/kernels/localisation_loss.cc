// The loss of correlation maps with its gradients. Each cell's exponential is computed once, relative to its map's
// highest, and scaled when the sums over rows and columns of maps are known.
#include <cmath>

#include "table.h"

namespace doppel::DOPPEL_ISA {

namespace {

constexpr double nothing = -__builtin_inf();  // the log-sum-exp of no cells

// exp(k − highest) over some cells, and their sums.
struct Sums {
  float highest = -__builtin_inff();
  double sum = 0, moment = 0;  // of the exponentials, and of these times k

  bool empty() const { return !(sum != 0); }
  double log() const { return empty() ? nothing : static_cast<double>(highest) + ::log(sum); }
};

// Sums of the cells for which `counts(i)`; their exponentials go to `to` and 0 for the others, if it is not null.
template <class F> Sums sums_of(const float* maps, int64_t cells, float scale, float* to, const F& counts) {
  Sums s;
  for (int64_t i = 0; i < cells; i++)
    if (counts(i)) s.highest = larger(s.highest, maps[i] * scale);
  for (int64_t i = 0; i < cells; i++) {
    const float k = maps[i] * scale, e = counts(i) ? ::expf(k - s.highest) : 0;
    if (to) to[i] = e;
    if (!counts(i)) continue;
    s.sum += static_cast<double>(e);
    s.moment += static_cast<double>(e) * static_cast<double>(k);
  }
  return s;
}

// The log-sum-exp of `count` logarithms, `stride` sums apart.
double log_of(const Sums* sums, int64_t count, int64_t stride) {
  double highest = nothing, total = 0;
  for (int64_t i = 0; i < count; i++) highest = larger(highest, sums[i * stride].log());
  for (int64_t i = 0; i < count; i++) total += ::exp(sums[i * stride].log() - highest);
  return highest + ::log(total);
}

}  // namespace

void localisation_loss(const LocalisationLoss& p, Runtime& runtime) {
  const int64_t t = p.t, w = p.w, cells = p.cells;
  const float scale = ::expf(*p.log_scale);
  constexpr size_t floats = sizeof(Sums) / sizeof(float);
  Scratch of_pairs(runtime, static_cast<size_t>(t * w) * floats), of_hits(runtime, static_cast<size_t>(w) * floats);
  Scratch of_logs(runtime, static_cast<size_t>(w) * 4);
  Sums *pairs = reinterpret_cast<Sums*>(of_pairs.data()), *hits = reinterpret_cast<Sums*>(of_hits.data());
  double *rows = reinterpret_cast<double*>(of_logs.data()), *columns = rows + w;

  parallel_range(runtime, t * w, larger<int64_t>(1, 4096 / cells), [&](int64_t from, int64_t to) {
    for (int64_t pair = from; pair < to; pair++) {
      const int64_t window = pair % w, at = pair * cells;
      if (pair / w == window) {
        const float *ignored = p.ignored + window * cells, *positive = p.positive + window * cells;
        pairs[pair] = sums_of(p.maps + at, cells, scale, p.dmaps + at, [&](int64_t i) { return ignored[i] == 0; });
        hits[window] = sums_of(p.maps + at, cells, scale, nullptr, [&](int64_t i) { return positive[i] != 0; });
      } else {
        const bool counts = !p.rivals || p.rivals[pair] != 0;
        pairs[pair] = sums_of(p.maps + at, cells, scale, p.dmaps + at, [&](int64_t) { return counts; });
      }
    }
  });

  double loss = 0, dlog_scale = 0;
  for (int64_t i = 0; i < w; i++) {
    rows[i] = log_of(pairs + i * w, w, 1), columns[i] = log_of(pairs + i, t, w);
    loss += (rows[i] + columns[i]) / 2 - hits[i].log();
    dlog_scale -= hits[i].moment / hits[i].sum;
  }
  // Of each pair's cells: what its exponentials are to be multiplied by. The moment is done with and makes room.
  for (int64_t pair = 0; pair < t * w; pair++) {
    const int64_t template_ = pair / w;
    Sums& s = pairs[pair];
    const double highest = s.empty() ? nothing : static_cast<double>(s.highest);
    const double in_row = template_ < w ? ::exp(highest - rows[template_]) : 0;
    const double share = (in_row + ::exp(highest - columns[pair % w])) / 2;
    dlog_scale += share * s.moment;
    s.moment = share;
  }
  const double mean = 1 / static_cast<double>(w);
  *p.loss = static_cast<float>(loss * mean), *p.dlog_scale = static_cast<float>(dlog_scale * mean);

  parallel_range(runtime, t * w, larger<int64_t>(1, 16384 / cells), [&](int64_t from, int64_t to) {
    for (int64_t pair = from; pair < to; pair++) {
      const int64_t window = pair % w;
      float* d = p.dmaps + pair * cells;
      const Vec factor = splat(static_cast<float>(pairs[pair].moment * mean) * scale);
      each_vector(cells, [&](int64_t i, int n) { put(d + i, get(d + i, n) * factor, n); });
      if (pair / w != window) continue;
      const Sums& own = hits[window];
      const float share = static_cast<float>(mean / own.sum) * scale;
      for (int64_t i = 0; i < cells; i++)
        if (p.positive[window * cells + i] != 0) d[i] -= ::expf(p.maps[pair * cells + i] * scale - own.highest) * share;
    }
  });
}

}  // namespace doppel::DOPPEL_ISA
