// Matrix products of operands (operands.cuh) in tiles of 64 × 64, 16 of k at a time: a ring of three tiles in shared
// memory is filled (tiles.cuh) while the threads multiply the oldest. By CUDA cores in fp32, or by tensor cores with
// factors rounded to TF32 or bf16 and sums in fp32.
#pragma once
#include "tiles.cuh"

namespace doppel::cuda {

struct GemmShape {
  int m, n, k;
  int run;                         // of k, for each part of a product that is split along k: a multiple of tile_k
  int64_t a_step, b_step, c_step;  // from one of gridDim.z to the next
};

// What is added and applied at the end; nothing where the product is split.
struct Epilogue {
  Global<const float> bias;
  Activation activation;
};

namespace gemm {

// fp32: each thread has 8 rows and 4 columns of the tile.
template <bool a_by_k, bool b_by_k> struct CudaCores {
  static constexpr int rows = 8, columns = 4;
  float sum[rows][columns] = {};
  const int row = threadIdx.x / 16 * rows, column = threadIdx.x % 16 * columns;

  __device__ __forceinline__ void multiply(const Shared<float>& a, const Shared<float>& b) {
#pragma unroll
    for (int k = 0; k < tile_k; k += 4) {
      float left[rows][4], right[columns][4];
      if constexpr (a_by_k) {
#pragma unroll
        for (int i = 0; i < rows; i++) take(left[i], a.load4(place<true>(row + i, k)));
      } else {
#pragma unroll
        for (int l = 0; l < 4; l++) {
          float four[4];
#pragma unroll
          for (int half = 0; half < rows; half += 4) {
            take(four, a.load4(place<false>(row + half, k + l)));
#pragma unroll
            for (int i = 0; i < 4; i++) left[half + i][l] = four[i];
          }
        }
      }
      if constexpr (b_by_k) {
#pragma unroll
        for (int j = 0; j < columns; j++) take(right[j], b.load4(place<true>(column + j, k)));
      } else {
#pragma unroll
        for (int l = 0; l < 4; l++) {
          float four[4];
          take(four, b.load4(place<false>(column, k + l)));
#pragma unroll
          for (int j = 0; j < columns; j++) right[j][l] = four[j];
        }
      }
#pragma unroll
      for (int l = 0; l < 4; l++) {
#pragma unroll
        for (int i = 0; i < rows; i++) {
#pragma unroll
          for (int j = 0; j < columns; j++) sum[i][j] += left[i][l] * right[j][l];
        }
      }
    }
  }

  __device__ __forceinline__ static void take(float to[4], float4 v) {
    to[0] = v.x, to[1] = v.y, to[2] = v.z, to[3] = v.w;
  }

  template <class F> __device__ __forceinline__ void each(F f) const {
#pragma unroll
    for (int i = 0; i < rows; i++) {
#pragma unroll
      for (int j = 0; j < columns; j++) f(row + i, column + j, sum[i][j]);
    }
  }
};

// A warp has 32 rows and 32 columns of the tile, as 2 × 4 products of 16 × 8 (PTX ISA, matrix fragments of mma.m16n8k8
// and m16n8k16).
template <bool a_by_k, bool b_by_k, Precision precision> struct TensorCores {
  static constexpr int depth = precision == Precision::tf32 ? 8 : 16;
  float sum[2][4][4] = {};
  const int lane = threadIdx.x % 32, group = lane / 4, pair = lane % 4;
  const int row = threadIdx.x / 64 * 32, column = threadIdx.x / 32 % 2 * 32;

  template <bool by_k> __device__ __forceinline__ uint32_t factor(const Shared<float>& from, int outer, int k) const {
    if constexpr (precision == Precision::tf32) {
      return to_tf32(from[place<by_k>(outer, k)]);
    } else {
      return pack_bf16(from[place<by_k>(outer, k)], from[place<by_k>(outer, k + 1)]);
    }
  }

  __device__ __forceinline__ void multiply(const Shared<float>& a, const Shared<float>& b) {
    constexpr int half = depth / 2;
    const int first = precision == Precision::tf32 ? pair : 2 * pair;
#pragma unroll
    for (int k = 0; k < tile_k; k += depth) {
      uint32_t right[4][2];
#pragma unroll
      for (int j = 0; j < 4; j++) {
        right[j][0] = factor<b_by_k>(b, column + 8 * j + group, k + first);
        right[j][1] = factor<b_by_k>(b, column + 8 * j + group, k + first + half);
      }
#pragma unroll
      for (int i = 0; i < 2; i++) {
        uint32_t left[4];
        left[0] = factor<a_by_k>(a, row + 16 * i + group, k + first);
        left[1] = factor<a_by_k>(a, row + 16 * i + group + 8, k + first);
        left[2] = factor<a_by_k>(a, row + 16 * i + group, k + first + half);
        left[3] = factor<a_by_k>(a, row + 16 * i + group + 8, k + first + half);
#pragma unroll
        for (int j = 0; j < 4; j++) {
          if constexpr (precision == Precision::tf32) mma_tf32_16x8x8(sum[i][j], left, right[j]);
          else mma_bf16_16x8x16(sum[i][j], left, right[j]);
        }
      }
    }
  }

  template <class F> __device__ __forceinline__ void each(F f) const {
#pragma unroll
    for (int i = 0; i < 2; i++) {
#pragma unroll
      for (int j = 0; j < 4; j++) {
#pragma unroll
        for (int e = 0; e < 4; e++)
          f(row + 16 * i + group + e / 2 * 8, column + 8 * j + 2 * pair + e % 2, sum[i][j][e]);
      }
    }
  }
};

template <bool a_by_k, bool b_by_k, Precision precision>
using Cores =
    std::conditional_t<precision == Precision::fp32, CudaCores<a_by_k, b_by_k>, TensorCores<a_by_k, b_by_k, precision>>;

// The sum of a tile over [first_k, end_k).
template <Precision precision, class A, class B>
__device__ __forceinline__ void multiply_tiles(const A& a, const B& b, const GemmShape& s, int first_k, int end_k,
                                               Cores<A::along_k, B::along_k, precision>& cores) {
  DOPPEL_SHARED(float, a_ring, stages* tile_floats);
  DOPPEL_SHARED(float, b_ring, stages* tile_floats);
  const int row = blockIdx.x * tile, column = blockIdx.y * tile, tiles = (end_k - first_k + tile_k - 1) / tile_k;
  Filler<A> a_filler;
  Filler<B> b_filler;
  auto begin = [&](int index) {
    const int k = first_k + index * tile_k, stage = index % stages * tile_floats;
    if (index < tiles) {
      a_filler.begin(a, a_ring + stage, {row, s.m, k, end_k});
      b_filler.begin(b, b_ring + stage, {column, s.n, k, end_k});
    }
    cp_async_commit();  // an empty group at the end keeps the count
  };
  auto end = [&](int index) {
    const int stage = index % stages * tile_floats;
    if (index >= tiles) return;
    a_filler.end(a, a_ring + stage);
    b_filler.end(b, b_ring + stage);
  };
  for (int index = 0; index < stages - 1; index++) begin(index), end(index);
  for (int index = 0; index < tiles; index++) {
    cp_async_wait<stages - 2>();
    __syncthreads();
    begin(index + stages - 1);
    const int stage = index % stages * tile_floats;
    cores.multiply(a_ring + stage, b_ring + stage);
    end(index + stages - 1);
  }
  b_filler.finish(b, b_ring, column, s.n);
}

}  // namespace gemm

// c[z] = act(a[z]·b[z] + bias), or the z-th part of a product that is split along k.
template <Precision precision, class A, class B>
__device__ __forceinline__ void gemm_block(A a, B b, const GemmShape& s, const Epilogue& end, Global<float> c) {
  const int part = blockIdx.z, row = blockIdx.x * gemm::tile, column = blockIdx.y * gemm::tile;
  const bool split = s.run < s.k;
  a.data = a.data + part * s.a_step, b.data = b.data + part * s.b_step, c = c + part * s.c_step;
  const int first_k = split ? part * s.run : 0, end_k = split ? min(first_k + s.run, s.k) : s.k;
  gemm::Cores<A::along_k, B::along_k, precision> cores;
  gemm::multiply_tiles<precision>(a, b, s, first_k, end_k, cores);
  cores.each([&](int i, int j, float v) {
    if (row + i >= s.m || column + j >= s.n) return;
    const float bias = end.bias ? end.bias[column + j] : 0.f;
    c[int64_t{row + i} * s.n + column + j] = activate(v + bias, end.activation);
  });
}

// Three names, so that a resource report can tell them apart.
// occupancy: gemm_fp32_kernel 128 threads, 3 blocks
template <class A, class B>
__global__ void __launch_bounds__(gemm::threads, 3)
    gemm_fp32_kernel(A a, B b, GemmShape s, Epilogue end, Global<float> c) {
  gemm_block<Precision::fp32>(a, b, s, end, c);
}
// occupancy: gemm_tf32_kernel 128 threads, 3 blocks
template <class A, class B>
__global__ void __launch_bounds__(gemm::threads, 3)
    gemm_tf32_kernel(A a, B b, GemmShape s, Epilogue end, Global<float> c) {
  gemm_block<Precision::tf32>(a, b, s, end, c);
}
// occupancy: gemm_bf16_kernel 128 threads, 3 blocks
template <class A, class B>
__global__ void __launch_bounds__(gemm::threads, 3)
    gemm_bf16_kernel(A a, B b, GemmShape s, Epilogue end, Global<float> c) {
  gemm_block<Precision::bf16>(a, b, s, end, c);
}

// Few columns, and rows that lie along k: a warp for each row, in fp32.
constexpr int few_columns = 4;
// occupancy: narrow_kernel 256 threads, 2 blocks
template <class A, class B>
__global__ void __launch_bounds__(block_size, 2) narrow_kernel(A a, B b, GemmShape s, Epilogue end, Global<float> c) {
  const int lane = threadIdx.x % 32, warps = block_size / 32;
  for (int64_t row = int64_t{blockIdx.x} * warps + threadIdx.x / 32; row < s.m; row += int64_t{gridDim.x} * warps) {
    const auto outer = a.begin(static_cast<int>(row));
    float sum[few_columns] = {};
    for (int k = lane; k < s.k; k += 32) {
      const int64_t at = a.at(outer, k);
      if (at < 0) continue;
      const float v = value_at(a, at);
#pragma unroll
      for (int j = 0; j < few_columns; j++) {
        if (j < s.n) sum[j] += v * b.data[b.at(b.begin(j), k)];
      }
    }
#pragma unroll
    for (int j = 0; j < few_columns; j++) {
      for (int lanes = 16; lanes > 0; lanes /= 2) sum[j] += __shfl_xor_sync(0xffffffffu, sum[j], lanes);
      if (lane == 0 && j < s.n) {
        const float bias = end.bias ? end.bias[j] : 0.f;
        c[row * s.n + j] = activate(sum[j] + bias, end.activation);
      }
    }
  }
}

namespace gemm {

// The parts of a split product, in their order.
static __global__ void sum_parts_kernel(int64_t count, int n, int parts, Epilogue end, Global<const float> part,
                                        Global<float> c) {
  for (int64_t i = first_index(); i < count; i += index_step()) {
    float sum = 0;
    for (int p = 0; p < parts; p++) sum += part[p * count + i];
    const float bias = end.bias ? end.bias[i % n] : 0.f;
    c[i] = activate(sum + bias, end.activation);
  }
}

template <class A, class B>
void launch_tiles(Precision precision, dim3 grid, const A& a, const B& b, const GemmShape& s, const Epilogue& end,
                  Global<float> c, Runtime& runtime) {
  const Stream stream = stream_of(runtime);
  if (precision == Precision::fp32) launch((gemm_fp32_kernel<A, B>), grid, threads, stream, a, b, s, end, c);
  else if (precision == Precision::tf32) launch((gemm_tf32_kernel<A, B>), grid, threads, stream, a, b, s, end, c);
  else launch((gemm_bf16_kernel<A, B>), grid, threads, stream, a, b, s, end, c);
}

constexpr int least_run = 256;  // of k: shorter parts cost more to add up than they save

}  // namespace gemm

// A product is split along k where it has too few tiles for the card.
struct Split {
  int run, parts;
};
inline Split split_of(int m, int n, int k, Runtime& runtime) {
  const int64_t rows = ceil_div(m, gemm::tile), columns = ceil_div(n, gemm::tile),
                busy = int64_t{device_of(runtime).multiprocessors} * 3;
  const int64_t wanted = ceil_div(busy, rows * columns), most = ceil_div(k, gemm::least_run);
  const int64_t target = wanted < most ? wanted : most;
  const int run = target > 1 ? static_cast<int>(ceil_div(ceil_div(k, target), gemm::tile_k)) * gemm::tile_k : k;
  return {run, run < k ? static_cast<int>(ceil_div(k, run)) : 1};
}

// One product.
template <class A, class B>
void multiply(Precision precision, const A& a, const B& b, int m, int n, int k, const Epilogue& end, float* c,
              Runtime& runtime) {
  const int64_t count = int64_t{m} * n;
  if (count == 0) return;
  const Global<float> result(c, count);
  if constexpr (A::along_k) {
    if (n <= few_columns && k > 0) {
      launch((narrow_kernel<A, B>), grid_for(runtime, int64_t{m} * 32), block_size, stream_of(runtime), a, b,
             GemmShape{m, n, k, k, 0, 0, 0}, end, result);
      return;
    }
  }
  const auto [run, parts] = split_of(m, n, k, runtime);
  const dim3 grid(static_cast<unsigned>(ceil_div(m, gemm::tile)), static_cast<unsigned>(ceil_div(n, gemm::tile)),
                  static_cast<unsigned>(parts));
  if (parts == 1)
    return gemm::launch_tiles(precision, grid, a, b, GemmShape{m, n, k, k, 0, 0, 0}, end, result, runtime);
  const DeviceScratch<float> part(runtime, count * parts);
  gemm::launch_tiles(precision, grid, a, b, GemmShape{m, n, k, run, 0, 0, count},
                     Epilogue{{}, {ActivationKind::linear, 1}}, part.view(), runtime);
  launch(gemm::sum_parts_kernel, grid_for(runtime, count), block_size, stream_of(runtime), count, n, parts, end,
         part.view(), result);
}

}  // namespace doppel::cuda
