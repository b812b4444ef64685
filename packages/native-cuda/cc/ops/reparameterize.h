// DoppelReparameterize, forward and backward.
#pragma once
#include <cstdint>

namespace doppel {

// z = mu + exp(logvar/2)·eps,  kl = −½ Σ (1 + logvar − mu² − exp(logvar)) by row
struct Reparameterize {
  int64_t n, d;
  const float *mu, *logvar, *eps;  // eps null: drawn from Philox
  uint64_t seed, offset;
  float *z, *kl, *eps_out;
};

// dmu = dz + dkl·mu,  dlogvar = ½ (dz·eps·exp(logvar/2) + dkl·(exp(logvar) − 1))
struct ReparameterizeBackprop {
  int64_t n, d;
  const float *dz, *dkl, *mu, *logvar, *eps;
  float *dmu, *dlogvar;
};

}  // namespace doppel
