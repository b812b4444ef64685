// Matrix products: one, by the tiles of gemm.cuh, or a batch of them, one for each of gridDim.z.
#include "gemm.cuh"

namespace doppel::cuda {

namespace {

constexpr int most_at_once = 65535;  // of gridDim.z

template <class A, class B> void multiply_batch(const MatMul& p, A a, B b, const Epilogue& end, Runtime& runtime) {
  const int64_t c_step = int64_t{p.m} * p.n, a_step = p.broadcast_a ? 0 : int64_t{p.m} * p.k,
                b_step = p.broadcast_b ? 0 : int64_t{p.k} * p.n;
  // From one matrix to the next the alignment must hold.
  a.vectors = a.vectors && a_step % 4 == 0, b.vectors = b.vectors && b_step % 4 == 0;
  const GemmShape s{p.m, p.n, p.k, p.k, a_step, b_step, c_step};
  const dim3 tiles(static_cast<unsigned>(ceil_div(p.m, gemm::tile)), static_cast<unsigned>(ceil_div(p.n, gemm::tile)));
  for (int first = 0; first < p.batch; first += most_at_once) {
    const int count = p.batch - first < most_at_once ? p.batch - first : most_at_once;
    A from = a;
    B by = b;
    from.data = a.data + first * a_step, by.data = b.data + first * b_step;
    const Global<float> c(p.y + first * c_step, count * c_step);
    gemm::launch_tiles(p.precision, dim3(tiles.x, tiles.y, static_cast<unsigned>(count)), from, by, s, end, c, runtime);
  }
}

template <bool transpose_a, bool transpose_b> void run(const MatMul& p, Runtime& runtime) {
  const auto a = matrix<!transpose_a>(p.a, p.m, p.k, p.broadcast_a ? 1 : p.batch);
  const auto b = matrix<transpose_b>(p.b, p.n, p.k, p.broadcast_b ? 1 : p.batch);
  const Epilogue end{p.bias ? Global<const float>(p.bias, p.n) : Global<const float>(), p.activation};
  if (p.batch == 1) return multiply(p.precision, a, b, p.m, p.n, p.k, end, p.y, runtime);
  // A batch by one matrix is one product of more rows.
  if constexpr (!transpose_a) {
    if (p.broadcast_b && !p.broadcast_a && int64_t{p.batch} * p.m < INT32_MAX) {
      return multiply(p.precision, matrix<true>(p.a, p.batch * p.m, p.k), b, p.batch * p.m, p.n, p.k, end, p.y,
                      runtime);
    }
  }
  multiply_batch(p, a, b, end, runtime);
}

}  // namespace

void matmul(const MatMul& p, Runtime& runtime) {
  if (int64_t{p.batch} * p.m * p.n == 0) return;
  if (p.transpose_a) p.transpose_b ? run<true, true>(p, runtime) : run<true, false>(p, runtime);
  else p.transpose_b ? run<false, true>(p, runtime) : run<false, false>(p, runtime);
}

}  // namespace doppel::cuda
