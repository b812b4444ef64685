// Σx² over many tensors: a block for each run of elements, then one that adds what they found, always in the same
// order.
#include "tensor_table.cuh"

namespace doppel::cuda {

namespace {

// The sum of `mine` over the block's threads, in thread 0.
template <class Part> __device__ double block_total(const Part& part, double mine) {
  const int t = threadIdx.x;
  part[t] = mine;
  for (int active = block_size / 2; active > 0; active /= 2) {
    __syncthreads();
    if (t < active) {
      const double left = part[t], right = part[t + active];
      part[t] = left + right;
    }
  }
  return t == 0 ? static_cast<double>(part[0]) : 0;
}

__global__ void squares_kernel(const __grid_constant__ TensorTable<SquaredTensor> tensors, Global<double> sums) {
  DOPPEL_SHARED(double, part, block_size);
  const auto& [t, first_run] = entry_of(tensors, blockIdx.x);
  const Global<const float> x(t.x, t.count);
  const int64_t first = (blockIdx.x - first_run) * tensor_run,
                last = first + tensor_run < t.count ? first + tensor_run : t.count;
  double sum = 0;
  for (int64_t i = first + threadIdx.x; i < last; i += blockDim.x) {
    const float v = x[i];
    sum += static_cast<double>(v) * v;
  }
  const double total = block_total(part, sum);
  if (threadIdx.x == 0) sums[blockIdx.x] = total;
}

__global__ void total_kernel(int64_t count, Global<const double> sums, Global<float> y) {
  DOPPEL_SHARED(double, part, block_size);
  double sum = 0;
  for (int64_t i = threadIdx.x; i < count; i += blockDim.x) {
    const double v = sums[i];
    sum += v;
  }
  const double total = block_total(part, sum);
  if (threadIdx.x == 0) y[0] = static_cast<float>(total);
}

}  // namespace

void sum_of_squares(const SumOfSquares& p, Runtime& runtime) {
  int64_t runs = 0;
  for (int t = 0; t < p.tensors; t++) runs += ceil_div(p.tensor[t].count, tensor_run);
  const DeviceScratch<double> sums(runtime, runs);
  int64_t first = 0;
  each_table(p.tensor, p.tensors, [&](const TensorTable<SquaredTensor>& table, dim3 grid) {
    launch(squares_kernel, grid, block_size, stream_of(runtime), table, Global<double>(sums.data() + first, grid.x));
    first += grid.x;
  });
  launch(total_kernel, 1, block_size, stream_of(runtime), runs, Global<const double>(sums.data(), runs),
         Global<float>(p.y, 1));
}

}  // namespace doppel::cuda
