#include "../run_op.h"

namespace doppel {

void read(Fields& f, PixelNorm& p) {
  f.size("rows", p.rows);
  f.positive("channels", p.c);
  f.get("epsilon", p.epsilon);
  f.get("weight", p.weight);
  f.in_if_given("dy", p.dy, p.rows * p.c);
  f.in("x", p.x, p.rows * p.c);
  f.out("y", p.y, p.rows * p.c);
}

}  // namespace doppel
