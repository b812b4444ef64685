// Sums of two weighted tensors, for many pairs in one call.
#include "table.h"
#include "tensor_runs.h"

namespace doppel::DOPPEL_ISA {

void blend(const Blend& p, Runtime& runtime) {
  each_run(p.tensor, p.tensors, runtime, [&](const BlendTensor& x, int64_t from, int64_t to, int64_t) {
    for (int64_t i = from; i < to; i++) x.y[i] = p.alpha * x.a[i] + p.beta * x.b[i];
  });
}

}  // namespace doppel::DOPPEL_ISA
