// DoppelCorrelateNear: maps a against maps b at displacements of up to `reach` cells, and its two gradients.
#pragma once
#include <cstdint>

namespace doppel {

// a [single_a ? 1 : n, h, w, c], b likewise, y [n, 2·reach + 1, 2·reach + 1]
struct CorrelateNearShape {
  int n, h, w, c, reach;
  bool single_a, single_b;

  int side() const { return 2 * reach + 1; }
  int64_t map() const { return int64_t{h} * w * c; }
  int64_t a_count() const { return (single_a ? 1 : n) * map(); }
  int64_t b_count() const { return (single_b ? 1 : n) * map(); }
  int64_t y_count() const { return int64_t{n} * side() * side(); }
};

// y[n, reach + i, reach + j] = 1/(h·w) Σ a[n, y, x, c] · b[n, y + i, x + j, c]: outside of b is 0
struct CorrelateNear {
  CorrelateNearShape shape;
  const float *a, *b;
  float* y;
};

struct CorrelateNearBackprop {
  CorrelateNearShape shape;
  const float *dy, *a, *b;
  float *da, *db;
};

}  // namespace doppel
