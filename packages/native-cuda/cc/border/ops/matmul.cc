#include "../run_op.h"
#include "activation.h"

namespace doppel {

void read(Fields& f, MatMul& p) {
  f.size("batch", p.batch);
  f.size("m", p.m);
  f.size("k", p.k);
  f.size("n", p.n);
  f.get("transposeA", p.transpose_a);
  f.get("transposeB", p.transpose_b);
  f.get("broadcastA", p.broadcast_a);
  f.get("broadcastB", p.broadcast_b);
  read(f, p.activation);
  f.get("precision", p.precision);
  f.in("a", p.a, int64_t{p.broadcast_a ? 1 : p.batch} * p.m * p.k);
  f.in("b", p.b, int64_t{p.broadcast_b ? 1 : p.batch} * p.k * p.n);
  f.in_if_given("bias", p.bias, p.n);
  f.out("y", p.y, int64_t{p.batch} * p.m * p.n);
}

}  // namespace doppel
