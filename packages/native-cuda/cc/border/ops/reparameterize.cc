#include "../run_op.h"

namespace doppel {

void read(Fields& f, Reparameterize& p) {
  f.positive("n", p.n);
  f.positive("d", p.d);
  f.in("mu", p.mu, p.n * p.d);
  f.in("logvar", p.logvar, p.n * p.d);
  f.in_if_given("eps", p.eps, p.n * p.d);
  f.get("seed", p.seed);
  f.get("offset", p.offset);
  f.out("z", p.z, p.n * p.d);
  f.out("kl", p.kl, p.n);
  f.out("epsOut", p.eps_out, p.n * p.d);
}

void read(Fields& f, ReparameterizeBackprop& p) {
  f.positive("n", p.n);
  f.positive("d", p.d);
  f.in("dz", p.dz, p.n * p.d);
  f.in("dkl", p.dkl, p.n);
  f.in("mu", p.mu, p.n * p.d);
  f.in("logvar", p.logvar, p.n * p.d);
  f.in("eps", p.eps, p.n * p.d);
  f.out("dmu", p.dmu, p.n * p.d);
  f.out("dlogvar", p.dlogvar, p.n * p.d);
}

}  // namespace doppel
