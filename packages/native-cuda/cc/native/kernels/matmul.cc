// Matrix products of dense layers, by the indirect kernel with one tap.
#include "indirect_gemm.h"
#include "table.h"

namespace doppel::DOPPEL_ISA {

namespace {

// The rows of two matrices as they lie.
struct MatrixRows {
  const float* a;
  int64_t k;
  float* y;
  int64_t n;

  struct Cursor {
    const float* a;
    int64_t k;
    float* y;
    int64_t n;
    float* next(const float** pointer, int) {
      *pointer = a;
      a += k, y += n;
      return y - n;
    }
  };
  Cursor from(int64_t first, float*) const { return {a + first * k, k, y + first * n, n}; }
};

}  // namespace

// [rows, columns] → [columns, rows]
static void transpose(const float* x, int64_t rows, int64_t columns, float* y, Runtime& runtime) {
  parallel_range(runtime, columns, larger<int64_t>(1, 16384 / larger<int64_t>(rows, 1)), [&](int64_t from, int64_t to) {
    for (int64_t r0 = 0; r0 < rows; r0 += 16)
      for (int64_t c = from; c < to; c++)
        for (int64_t r = r0; r < smaller(rows, r0 + 16); r++) y[c * rows + r] = x[r * columns + c];
  });
}

void matmul(const MatMul& p, Runtime& runtime) {
  if (int64_t{p.batch} * p.m * p.n == 0) return;
  const int64_t a_size = int64_t{p.m} * p.k, b_size = int64_t{p.k} * p.n, y_size = int64_t{p.m} * p.n;
  Scratch packed(runtime, PackedFilter::floats(1, p.k, p.n));
  Scratch turned(runtime, p.transpose_a ? a_size : 0);
  for (int64_t batch = 0; batch < p.batch; batch++) {
    const float* a = p.a + (p.broadcast_a ? 0 : batch * a_size);
    const float* b = p.b + (p.broadcast_b ? 0 : batch * b_size);
    float* y = p.y + batch * y_size;
    if (p.transpose_a && !(p.broadcast_a && batch > 0)) transpose(a, p.k, p.m, turned.data(), runtime);
    if (p.transpose_a) a = turned.data();
    if (!(p.broadcast_b && batch > 0)) {
      const int64_t k_stride = p.transpose_b ? 1 : p.n, n_stride = p.transpose_b ? p.k : 1;
      pack_filter(
          packed.data(), 1, p.k, p.n, k_stride, n_stride, [](int) { return int64_t{0}; }, b, runtime);
    }
    const PackedFilter filter{1, p.k, p.n, packed.data()};
    indirect_gemm(p.m, filter, p.bias, p.activation, runtime, MatrixRows{a, p.k, y, p.n});
  }
}

}  // namespace doppel::DOPPEL_ISA
