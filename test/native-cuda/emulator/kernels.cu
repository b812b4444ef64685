#include "kernels.h"

namespace doppel::cuda::example {

namespace {

__device__ __forceinline__ int block_rank() { return blockIdx.x + gridDim.x * (blockIdx.y + gridDim.y * blockIdx.z); }
__device__ __forceinline__ int thread_rank() {
  return threadIdx.x + blockDim.x * (threadIdx.y + blockDim.y * threadIdx.z);
}

__global__ void number_threads_kernel(Out<int> out) {
  const int threads = blockDim.x * blockDim.y * blockDim.z, i = block_rank() * threads + thread_rank();
  out[i] = i;
}

// Halves the range at each step, whatever the size of the block.
__global__ void block_sum_kernel(In<float> x, Out<float> out) {
  DOPPEL_SHARED(float, part, 256);
  const int t = threadIdx.x;
  part[t] = x[blockIdx.x * blockDim.x + t];
  for (int active = blockDim.x; active > 1;) {
    const int half = (active + 1) / 2;
    __syncthreads();
    if (t + half < active) part[t] += part[t + half];
    active = half;
  }
  if (t == 0) out[blockIdx.x] = part[0];
}

constexpr int side = 32;

__global__ void transpose_kernel(In<float> x, Out<float> out, int rows, int columns) {
  DOPPEL_SHARED(float, tile, side*(side + 1));  // a column more: no two rows in one bank
  const int left = blockIdx.x * side, top = blockIdx.y * side;
  for (int r = threadIdx.y; r < side; r += blockDim.y) {
    const int row = top + r, column = left + threadIdx.x;
    if (row < rows && column < columns) tile[r * (side + 1) + threadIdx.x] = x[row * columns + column];
  }
  __syncthreads();
  for (int c = threadIdx.y; c < side; c += blockDim.y) {
    const int row = top + threadIdx.x, column = left + c;
    if (row < rows && column < columns) out[column * rows + row] = tile[threadIdx.x * (side + 1) + c];
  }
}

__global__ void warp_sum_kernel(In<float> x, Out<float> by_xor, Out<float> by_down) {
  const int warp = blockIdx.x * (blockDim.x / 32) + threadIdx.x / 32;
  float xors = x[blockIdx.x * blockDim.x + threadIdx.x], downs = xors;
  for (int lanes = 16; lanes > 0; lanes /= 2) {
    xors += __shfl_xor_sync(0xffffffffu, xors, lanes);
    downs += __shfl_down_sync(0xffffffffu, downs, lanes);
  }
  const float first = __shfl_sync(0xffffffffu, downs, 0);
  if (threadIdx.x % 32 == 31) by_xor[warp] = xors, by_down[warp] = first;
}

__device__ __forceinline__ int reversed(int lane, int bits) {
  int result = 0;
  for (int bit = 0; bit < bits; bit++) result |= (lane >> bit & 1) << (bits - 1 - bit);
  return result;
}

__global__ void warp_exchange_kernel(In<float> x, Out<float> out) {
  DOPPEL_SHARED(float, passed, 64);
  const int t = threadIdx.x, lane = t % 32, i = blockIdx.x * blockDim.x + t;
  passed[t] = x[i];
  __syncwarp();
  const float value = passed[t - lane + reversed(lane, 5)];
  __syncwarp();
  passed[t] = value + 1;  // whoever reads late would show it
  out[i] = value;
}

__global__ void half_warp_exchange_kernel(In<float> x, Out<float> out) {
  DOPPEL_SHARED(float, passed, 32);
  const int lane = threadIdx.x;
  const unsigned half = lane < 16 ? 0x0000ffffu : 0xffff0000u;
  for (int round = 0; round < 2; round++) {
    passed[lane] = round == 0 ? x[lane] : passed[lane] + 1;
    __syncwarp(half);
    const float value = passed[lane / 16 * 16 + reversed(lane % 16, 4)];
    out[lane] = value;
    __syncwarp(half);
  }
}

__device__ __forceinline__ float warp_total(float value) {
  for (int lanes = 16; lanes > 0; lanes /= 2) value += __shfl_xor_sync(0xffffffffu, value, lanes);
  return value;
}

__global__ void sum_in_one_launch_kernel(In<float> x, Out<float> out, Out<int> arrived) {
  DOPPEL_SHARED(int, order, 1);
  const int t = threadIdx.x, blocks = gridDim.x;
  const float sum = warp_total(x[blockIdx.x * 32 + t]);
  if (t == 0) {
    out[1 + blockIdx.x] = sum;
    __threadfence();
    order[0] = atomicAdd(&arrived[0], 1);
  }
  __syncthreads();
  if (order[0] != blocks - 1) return;
  __threadfence();
  float part = 0;
  for (int b = t; b < blocks; b += 32) part += out[1 + b];
  part = warp_total(part);
  if (t == 0) out[0] = part;
}

__global__ void histogram_kernel(In<int> x, Out<int> counts, int count) {
  DOPPEL_SHARED(int, local, 16);
  if (threadIdx.x < 16) local[threadIdx.x] = 0;
  __syncthreads();
  const int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i < count) atomicAdd(&local[x[i]], 1);
  __syncthreads();
  if (threadIdx.x < 16) atomicAdd(&counts[threadIdx.x], local[threadIdx.x]);
}

__global__ void twice_kernel(In<float> x, Out<float> out, int count) {
  const int i = 4 * (blockIdx.x * blockDim.x + threadIdx.x);
  if (i + 4 <= count) {
    const float4 v = x.load4(i);
    out.store4(i, make_float4(2 * v.x, 2 * v.y, 2 * v.z, 2 * v.w));
  } else {
    for (int k = i; k < count; k++) out[k] = 2 * x[k];
  }
}

__device__ __forceinline__ void store_sums(const float d[4], const Out<float>& out) {
  const int group = threadIdx.x / 4, within = threadIdx.x % 4;
  for (int i = 0; i < 4; i++) out[(group + i / 2 * 8) * 8 + within * 2 + i % 2] = d[i];
}

__global__ void product_tf32_kernel(In<float> a, In<float> b, Out<float> d, int depth) {
  const int group = threadIdx.x / 4, within = threadIdx.x % 4;
  float sums[4] = {};
  for (int k = 0; k < depth; k += 8) {
    uint32_t left[4], right[2];
    for (int i = 0; i < 4; i++) left[i] = to_tf32(a[(group + i % 2 * 8) * depth + k + within + i / 2 * 4]);
    for (int i = 0; i < 2; i++) right[i] = to_tf32(b[(k + within + i * 4) * 8 + group]);
    mma_tf32_16x8x8(sums, left, right);
  }
  store_sums(sums, d);
}

__global__ void product_bf16_kernel(In<float> a, In<float> b, Out<float> d, int depth) {
  const int group = threadIdx.x / 4, within = threadIdx.x % 4;
  float sums[4] = {};
  for (int k = 0; k < depth; k += 16) {
    uint32_t left[4], right[2];
    for (int i = 0; i < 4; i++) {
      const int row = group + i % 2 * 8, column = k + within * 2 + i / 2 * 8;
      left[i] = pack_bf16(a[row * depth + column], a[row * depth + column + 1]);
    }
    for (int i = 0; i < 2; i++) {
      const int row = k + within * 2 + i * 8;
      right[i] = pack_bf16(b[row * 8 + group], b[(row + 1) * 8 + group]);
    }
    mma_bf16_16x8x16(sums, left, right);
  }
  store_sums(sums, d);
}

constexpr int stages = 3, tile = 128;

// Each thread fetches 16 bytes, but adds elements that others fetched.
__global__ void sum_of_tiles_kernel(In<float> x, Out<float> out, int count) {
  DOPPEL_SHARED(float, ring, stages* tile);
  const int t = threadIdx.x, tiles = (count + tile - 1) / tile;
  const auto fetch = [&](int k) {
    const int i = k * tile + 4 * t;
    if (k < tiles) cp_async_16(ring + k % stages * tile + 4 * t, x + i, i < count);
    cp_async_commit();  // an empty group too: the wait counts groups
  };
  for (int k = 0; k < stages - 1; k++) fetch(k);
  float sums[4] = {};
  for (int k = 0; k < tiles; k++) {
    cp_async_wait<stages - 2>();
    __syncthreads();  // all copies of tile k have landed, and all have read tile k - 1: its place is free
    fetch(k + stages - 1);
    for (int i = 0; i < 4; i++) sums[i] += ring[k % stages * tile + i * 32 + t];
  }
  for (int i = 0; i < 4; i++) out[i * 32 + t] = sums[i];
}

__global__ void negative_lanes_kernel(In<float> x, Out<unsigned> out) {
  const unsigned lanes = __ballot_sync(0xffffffffu, x[blockIdx.x * 32 + threadIdx.x] < 0);
  const bool any = __any_sync(0xffffffffu, lanes != 0), all = __all_sync(0xffffffffu, lanes == 0);
  if (threadIdx.x == 0) out[blockIdx.x] = any && !all ? lanes : 0;
}

}  // namespace

void number_threads(Out<int> out, dim3 grid, dim3 block) { launch(number_threads_kernel, grid, block, nullptr, out); }
void block_sum(In<float> x, Out<float> out, int blocks, int threads) {
  launch(block_sum_kernel, blocks, threads, nullptr, x, out);
}

void transpose(In<float> x, Out<float> out, int rows, int columns) {
  const dim3 grid((columns + side - 1) / side, (rows + side - 1) / side);
  launch(transpose_kernel, grid, dim3(side, 8), nullptr, x, out, rows, columns);
}

void warp_sum(In<float> x, Out<float> by_xor, Out<float> by_down, int warps) {
  launch(warp_sum_kernel, warps / 2, 64, nullptr, x, by_xor, by_down);
}
void warp_exchange(In<float> x, Out<float> out, int warps) {
  launch(warp_exchange_kernel, warps / 2, 64, nullptr, x, out);
}
void half_warp_exchange(In<float> x, Out<float> out) { launch(half_warp_exchange_kernel, 1, 32, nullptr, x, out); }
void sum_in_one_launch(In<float> x, Out<float> out, Out<int> arrived, int blocks) {
  launch(sum_in_one_launch_kernel, blocks, 32, nullptr, x, out, arrived);
}
void histogram(In<int> x, Out<int> counts, int count) {
  launch(histogram_kernel, (count + 63) / 64, 64, nullptr, x, counts, count);
}
void twice(In<float> x, Out<float> out, int count) {
  launch(twice_kernel, (count + 127) / 128, 32, nullptr, x, out, count);
}
void product_tf32(In<float> a, In<float> b, Out<float> d, int depth) {
  launch(product_tf32_kernel, 1, 32, nullptr, a, b, d, depth);
}
void product_bf16(In<float> a, In<float> b, Out<float> d, int depth) {
  launch(product_bf16_kernel, 1, 32, nullptr, a, b, d, depth);
}
void sum_of_tiles(In<float> x, Out<float> out, int count) {
  launch(sum_of_tiles_kernel, 1, 32, nullptr, x, out, count);
}
void negative_lanes(In<float> x, Out<unsigned> out, int warps) {
  launch(negative_lanes_kernel, warps, 32, nullptr, x, out);
}

}  // namespace doppel::cuda::example
