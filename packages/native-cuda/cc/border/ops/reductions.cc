#include "../run_op.h"

namespace doppel {

namespace {

template <class Params> void read_shape(Fields& f, Params& p) {
  f.size("outer", p.outer);
  f.size("reduced", p.reduced);
  f.size("inner", p.inner);
}

}  // namespace

void read(Fields& f, Reduce& p) {
  f.get("op", p.op);
  f.get("dtype", p.type);
  read_shape(f, p);
  f.in("x", p.x, p.outer * p.reduced * p.inner, p.type);
  f.out("y", p.y, p.outer * p.inner, p.type);
}

void read(Fields& f, ArgReduce& p) {
  f.get("max", p.max);
  read_shape(f, p);
  f.in("x", p.x, p.outer * p.reduced * p.inner);
  f.out("y", p.y, p.outer * p.inner);
}

void read(Fields& f, Softmax& p) {
  f.get("log", p.log);
  f.size("rows", p.rows);
  f.positive("columns", p.columns);
  f.in("x", p.x, p.rows * p.columns);
  f.out("y", p.y, p.rows * p.columns);
}

}  // namespace doppel
