// Σx² over many tensors: a block of elements in float, blocks and tensors in double, always in the same order.
#include "table.h"
#include "tensor_runs.h"

namespace doppel::DOPPEL_ISA {

void sum_of_squares(const SumOfSquares& p, Runtime& runtime) {
  constexpr int64_t block = 1024;
  const int64_t runs = count_runs(p.tensor, p.tensors);
  Scratch scratch(runtime, static_cast<size_t>(runs) * 2);
  double* sums = reinterpret_cast<double*>(scratch.data());
  each_run(p.tensor, p.tensors, runtime, [&](const SquaredTensor& tensor, int64_t from, int64_t to, int64_t run) {
    sums[run] = 0;
    for (int64_t first = from; first < to; first += block) {
      Vec sum{};
      each_vector(smaller(block, to - first), [&](int64_t j, int n) {
        const Vec v = get(tensor.x + first + j, n);
        sum += v * v;
      });
      sums[run] += static_cast<double>(sum_of(sum));
    }
  });
  double total = 0;
  for (int64_t run = 0; run < runs; run++) total += sums[run];
  *p.y = static_cast<float>(total);
}

}  // namespace doppel::DOPPEL_ISA
