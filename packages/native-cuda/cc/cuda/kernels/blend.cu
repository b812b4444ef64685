// Sums of two weighted tensors, for many pairs in one launch.
#include "tensor_table.cuh"

namespace doppel::cuda {

namespace {

__global__ void blend_kernel(const __grid_constant__ TensorTable<BlendTensor> tensors, float alpha, float beta) {
  const auto& [t, first_run] = entry_of(tensors, blockIdx.x);
  const Global<const float> a(t.a, t.count), b(t.b, t.count);
  const Global<float> y(t.y, t.count);
  const int64_t first = (blockIdx.x - first_run) * tensor_run,
                last = first + tensor_run < t.count ? first + tensor_run : t.count;
  for (int64_t i = first + threadIdx.x; i < last; i += blockDim.x) {
    const float left = a[i], right = b[i];
    y[i] = alpha * left + beta * right;
  }
}

}  // namespace

void blend(const Blend& p, Runtime& runtime) {
  each_table(p.tensor, p.tensors, [&](const TensorTable<BlendTensor>& table, dim3 grid) {
    launch(blend_kernel, grid, block_size, stream_of(runtime), table, p.alpha, p.beta);
  });
}

}  // namespace doppel::cuda
