// Gamma likelihood with its gradient, by blocks whose sums are added in their order.
#include <cmath>

#include "table.h"

namespace doppel::DOPPEL_ISA {

void gamma_likelihood(const GammaLikelihood& p, Runtime& runtime) {
  constexpr int64_t block = 4096;
  const int64_t blocks = ceil_div(p.count, block);
  const float share = static_cast<float>(1 / static_cast<double>(p.count));
  Scratch scratch(runtime, static_cast<size_t>(blocks) * 2);
  double* sums = reinterpret_cast<double*>(scratch.data());
  parallel(runtime, blocks, [&](int64_t task, int) {
    double sum = 0;
    for (int64_t i = task * block; i < smaller(p.count, (task + 1) * block); i++) {
      const float r = p.log_reflectivity[i], ratio = p.intensity[i] * ::expf(-r);
      sum += static_cast<double>(r) + static_cast<double>(ratio);
      p.dlog_reflectivity[i] = (1 - ratio) * share;
    }
    sums[task] = sum;
  });
  double total = 0;
  for (int64_t i = 0; i < blocks; i++) total += sums[i];
  *p.loss = static_cast<float>(total / static_cast<double>(p.count));
}

}  // namespace doppel::DOPPEL_ISA
