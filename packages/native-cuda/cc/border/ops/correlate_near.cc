#include "../run_op.h"

namespace doppel {

namespace {

void read(Fields& f, CorrelateNearShape& s) {
  f.positive("n", s.n);
  f.positive("h", s.h);
  f.positive("w", s.w);
  f.positive("c", s.c);
  f.size("reach", s.reach);
  f.need(s.reach < 16384, "reach", "must be below 16384");
  f.get("singleA", s.single_a);
  f.get("singleB", s.single_b);
}

}  // namespace

void read(Fields& f, CorrelateNear& p) {
  read(f, p.shape);
  f.in("a", p.a, p.shape.a_count());
  f.in("b", p.b, p.shape.b_count());
  f.out("y", p.y, p.shape.y_count());
}

void read(Fields& f, CorrelateNearBackprop& p) {
  read(f, p.shape);
  f.in("dy", p.dy, p.shape.y_count());
  f.in("a", p.a, p.shape.a_count());
  f.in("b", p.b, p.shape.b_count());
  f.out("da", p.da, p.shape.a_count());
  f.out("db", p.db, p.shape.b_count());
}

}  // namespace doppel
