#include "../run_op.h"

namespace doppel {

void read(Fields& f, UpsampleBilinear& p) {
  f.positive("n", p.n);
  f.positive("h", p.h);
  f.positive("w", p.w);
  f.positive("c", p.c);
  f.positive("oh", p.oh);
  f.positive("ow", p.ow);
  f.get("gradient", p.gradient);
  const int64_t small = int64_t{p.n} * p.h * p.w * p.c, large = int64_t{p.n} * p.oh * p.ow * p.c;
  f.in("x", p.x, p.gradient ? large : small);
  f.out("y", p.y, p.gradient ? small : large);
}

}  // namespace doppel
