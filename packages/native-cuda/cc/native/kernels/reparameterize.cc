// Reparameterisation with its divergence, forward and backward; the noise is Philox's.
#include <cmath>

#include "table.h"

namespace doppel::DOPPEL_ISA {

void reparameterize(const Reparameterize& p, Runtime& runtime) {
  if (p.eps) std::memcpy(p.eps_out, p.eps, static_cast<size_t>(p.n * p.d) * 4);
  else philox({true, p.seed, p.offset, p.n * p.d, p.eps_out}, runtime);
  parallel_range(runtime, p.n, larger<int64_t>(1, 2048 / p.d), [&](int64_t from, int64_t to) {
    for (int64_t row = from; row < to; row++) {
      double total = 0;
      for (int64_t i = row * p.d; i < (row + 1) * p.d; i++) {
        const double variance = ::exp(static_cast<double>(p.logvar[i])), mu = p.mu[i];
        p.z[i] = static_cast<float>(mu + ::sqrt(variance) * p.eps_out[i]);
        total += 1 + p.logvar[i] - mu * mu - variance;
      }
      p.kl[row] = static_cast<float>(-0.5 * total);
    }
  });
}

void reparameterize_backprop(const ReparameterizeBackprop& p, Runtime& runtime) {
  parallel_range(runtime, p.n, larger<int64_t>(1, 2048 / p.d), [&](int64_t from, int64_t to) {
    for (int64_t row = from; row < to; row++) {
      for (int64_t i = row * p.d; i < (row + 1) * p.d; i++) {
        const double variance = ::exp(static_cast<double>(p.logvar[i]));
        p.dmu[i] = p.dz[i] + p.dkl[row] * p.mu[i];
        p.dlogvar[i] = static_cast<float>(0.5 * (p.dz[i] * p.eps[i] * ::sqrt(variance) + p.dkl[row] * (variance - 1)));
      }
    }
  });
}

}  // namespace doppel::DOPPEL_ISA
