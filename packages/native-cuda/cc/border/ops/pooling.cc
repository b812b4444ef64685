#include "../run_op.h"

namespace doppel {

namespace {

void read(Fields& f, PoolShape& s) {
  f.positive("n", s.n);
  f.positive("h", s.h);
  f.positive("w", s.w);
  f.positive("c", s.c);
  f.positive("oh", s.oh);
  f.positive("ow", s.ow);
  f.positive("kh", s.kh);
  f.positive("kw", s.kw);
  f.positive("sh", s.sh);
  f.positive("sw", s.sw);
  f.get("top", s.top);
  f.get("left", s.left);
}

int64_t x_count(const PoolShape& s) { return int64_t{s.n} * s.h * s.w * s.c; }
int64_t y_count(const PoolShape& s) { return int64_t{s.n} * s.oh * s.ow * s.c; }

// What each output row, or column, reads: one of `below`.
const int* read_indices(Fields& f, const char* name, int count, int below) {
  const std::vector<int64_t> indices = f.integers(name);
  f.need(static_cast<int64_t>(indices.size()) == count, name,
         "must have a number for each row or column of the output");
  for (const int64_t i : indices) f.need(i >= 0 && i < below, name, "must stay within the input");
  return f.keep(std::vector<int>(indices.begin(), indices.end()));
}

}  // namespace

void read(Fields& f, Pool& p) {
  read(f, p.shape);
  f.get("max", p.max);
  f.in("x", p.x, x_count(p.shape));
  f.out("y", p.y, y_count(p.shape));
}

void read(Fields& f, PoolGrad& p) {
  read(f, p.shape);
  f.get("max", p.max);
  f.in("dy", p.dy, y_count(p.shape));
  p.max ? f.in("x", p.x, x_count(p.shape)) : f.skip("x");
  f.out("dx", p.dx, x_count(p.shape));
}

void read(Fields& f, ResizeNearest& p) {
  f.positive("n", p.n);
  f.positive("h", p.h);
  f.positive("w", p.w);
  f.positive("c", p.c);
  f.positive("oh", p.oh);
  f.positive("ow", p.ow);
  p.rows = read_indices(f, "rows", p.oh, p.h);
  p.columns = read_indices(f, "columns", p.ow, p.w);
  f.get("gradient", p.gradient);
  const int64_t small = int64_t{p.n} * p.h * p.w * p.c, large = int64_t{p.n} * p.oh * p.ow * p.c;
  f.in("x", p.x, p.gradient ? large : small);
  f.out("y", p.y, p.gradient ? small : large);
}

}  // namespace doppel
