// Work over many tensors in one call, in runs of one tensor's elements.
#pragma once
#include "simd.h"

namespace doppel::DOPPEL_ISA {

constexpr int64_t tensor_run = 16384;  // elements of a task

template <class Tensor> int64_t count_runs(const Tensor* tensors, int count) {
  int64_t runs = 0;
  for (int t = 0; t < count; t++) runs += ceil_div(tensors[t].count, tensor_run);
  return runs;
}

// f(tensor, from, to, run) for each run.
template <class Tensor, class F> void each_run(const Tensor* tensors, int count, Runtime& runtime, const F& f) {
  parallel(runtime, count_runs(tensors, count), [&](int64_t index, int) {
    int64_t run = index;
    int t = 0;
    for (; run >= ceil_div(tensors[t].count, tensor_run); t++) run -= ceil_div(tensors[t].count, tensor_run);
    f(tensors[t], run * tensor_run, smaller(tensors[t].count, (run + 1) * tensor_run), index);
  });
}

}  // namespace doppel::DOPPEL_ISA
