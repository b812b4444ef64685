// For check_cuda.test.ts: a kernel that spills, one whose name promises tensor cores, one that promises too many
// blocks.
__global__ void __launch_bounds__(1024, 2) greedy_kernel(float* x) {
  float v[200];
  for (int i = 0; i < 200; i++) v[i] = x[threadIdx.x * 200 + i];
  for (int r = 0; r < 50; r++) {
    for (int i = 0; i < 200; i++) v[i] = v[i] * v[(i * 7 + r) % 200] + 1.f;
  }
  for (int i = 0; i < 200; i++) x[threadIdx.x * 200 + i] = v[i];
}
__global__ void fake_tf32_kernel(float* x) { x[threadIdx.x] *= 2; }
// occupancy: wide_kernel 256 threads, 8 blocks
__global__ void wide_kernel(float* x) {
  __shared__ float tile[10000];
  tile[threadIdx.x] = x[threadIdx.x];
  __syncthreads();
  x[threadIdx.x] = tile[255 - threadIdx.x];
}
