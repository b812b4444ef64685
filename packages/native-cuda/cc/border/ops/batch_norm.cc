#include "../run_op.h"
#include "activation.h"

namespace doppel {

namespace {

template <class Params> void read_shape(Fields& f, Params& p) {
  f.positive("rows", p.rows);
  f.positive("channels", p.c);
  f.get("epsilon", p.epsilon);
}

}  // namespace

void read(Fields& f, BatchNorm& p) {
  read_shape(f, p);
  read(f, p.activation);
  f.in("x", p.x, p.rows * p.c);
  f.in("gamma", p.gamma, p.c);
  f.in("beta", p.beta, p.c);
  f.out("y", p.y, p.rows * p.c);
  f.out("mean", p.mean, p.c);
  f.out("variance", p.variance, p.c);
}

void read(Fields& f, BatchNormInference& p) {
  read_shape(f, p);
  f.in("x", p.x, p.rows * p.c);
  f.in_if_given("gamma", p.gamma, p.c);
  f.in_if_given("beta", p.beta, p.c);
  f.in("mean", p.mean, p.c);
  f.in("variance", p.variance, p.c);
  f.out("y", p.y, p.rows * p.c);
}

void read(Fields& f, BatchNormBackprop& p) {
  read_shape(f, p);
  read(f, p.activation);
  f.in("dy", p.dy, p.rows * p.c);
  f.in("x", p.x, p.rows * p.c);
  f.in("gamma", p.gamma, p.c);
  f.in("beta", p.beta, p.c);
  f.in("mean", p.mean, p.c);
  f.in("variance", p.variance, p.c);
  f.out("dx", p.dx, p.rows * p.c);
  f.out("dgamma", p.dgamma, p.c);
  f.out("dbeta", p.dbeta, p.c);
}

}  // namespace doppel
