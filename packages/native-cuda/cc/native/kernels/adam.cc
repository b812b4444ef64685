// Adam over all parameters in one call (Kingma and Ba, ICLR 2015, algorithm 1).
#include <cmath>

#include "table.h"

namespace doppel::DOPPEL_ISA {

namespace {

constexpr int64_t run = 16384;  // elements of a task

}  // namespace

void adam(const Adam& p, Runtime& runtime) {
  const float rate = static_cast<float>(p.learning_rate / (1 - ::pow(p.beta1, static_cast<double>(p.step))));
  const float correction = static_cast<float>(1 / ::sqrt(1 - ::pow(p.beta2, static_cast<double>(p.step))));
  const float b1 = static_cast<float>(p.beta1), b2 = static_cast<float>(p.beta2),
              epsilon = static_cast<float>(p.epsilon);
  const float c1 = static_cast<float>(1 - p.beta1), c2 = static_cast<float>(1 - p.beta2);
  int64_t tasks = 0;
  for (int t = 0; t < p.tensors; t++) tasks += ceil_div(p.tensor[t].count, run);
  parallel(runtime, tasks, [&](int64_t task, int) {
    int t = 0;
    for (; task >= ceil_div(p.tensor[t].count, run); t++) task -= ceil_div(p.tensor[t].count, run);
    const AdamTensor& x = p.tensor[t];
    for (int64_t i = task * run; i < smaller(x.count, (task + 1) * run); i++) {
      const float g = x.g[i], m = b1 * x.m[i] + c1 * g, v = b2 * x.v[i] + c2 * g * g;
      x.m_out[i] = m;
      x.v_out[i] = v;
      x.p_out[i] = x.p[i] - rate * m / (::sqrtf(v) * correction + epsilon);
    }
  });
}

}  // namespace doppel::DOPPEL_ISA
