// Adam over all parameters in one call (Kingma and Ba, ICLR 2015, algorithm 1).
#include <cmath>

#include "table.h"
#include "tensor_runs.h"

namespace doppel::DOPPEL_ISA {

void adam(const Adam& p, Runtime& runtime) {
  const double learning_rate = p.rate ? p.learning_rate * *p.rate : p.learning_rate;
  const float rate = static_cast<float>(learning_rate / (1 - ::pow(p.beta1, static_cast<double>(p.step))));
  const float correction = static_cast<float>(1 / ::sqrt(1 - ::pow(p.beta2, static_cast<double>(p.step))));
  const float b1 = static_cast<float>(p.beta1), b2 = static_cast<float>(p.beta2),
              epsilon = static_cast<float>(p.epsilon);
  const float c1 = static_cast<float>(1 - p.beta1), c2 = static_cast<float>(1 - p.beta2);
  each_run(p.tensor, p.tensors, runtime, [&](const AdamTensor& x, int64_t from, int64_t to, int64_t) {
    // No output overlaps an input; the compiler gives up proving that for seven pointers.
#pragma GCC ivdep
    for (int64_t i = from; i < to; i++) {
      const float g = x.g[i], m = b1 * x.m[i] + c1 * g, v = b2 * x.v[i] + c2 * g * g;
      x.m_out[i] = m;
      x.v_out[i] = v;
      x.p_out[i] = x.p[i] - rate * m / (::sqrtf(v) * correction + epsilon);
    }
  });
}

}  // namespace doppel::DOPPEL_ISA
