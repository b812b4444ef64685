// Tiles of an operand in shared memory, 64 outer indices × 16 of k, and how they are filled: straight by cp.async, or
// through registers where the elements are masked on the way.
#pragma once
#include "operands.cuh"

namespace doppel::cuda::gemm {

constexpr int threads = 128, tile = 64, tile_k = 16, stages = 3;
// A row more than 16 or 64 floats long, so that the threads of a warp read from different banks.
constexpr int by_k_pitch = tile_k + 4, by_outer_pitch = tile + 8;
constexpr int tile_floats = tile * by_k_pitch > tile_k* by_outer_pitch ? tile* by_k_pitch : tile_k* by_outer_pitch;

template <bool along_k> __device__ __forceinline__ int place(int outer, int k) {
  return along_k ? outer * by_k_pitch + k : k * by_outer_pitch + outer;
}

// Which part of the operand a tile is, and where the operand ends.
struct TileRange {
  int first_outer, outers, first_k, end_k;
};

// Four neighbours of a tile: 256 such groups, two for each thread.
constexpr int groups_each = 2;
template <class O> struct Group {
  static constexpr int in_a_row = O::along_k ? tile_k / 4 : tile / 4;
  const int row, column;

  __device__ __forceinline__ explicit Group(int part)
      : row((threadIdx.x + part * threads) / in_a_row), column((threadIdx.x + part * threads) % in_a_row * 4) {}
  __device__ __forceinline__ Shared<float> in(const Shared<float>& to) const {
    return to + row * (O::along_k ? by_k_pitch : by_outer_pitch) + column;
  }
  // The place in memory of the j-th neighbour, or −1 where it is a zero.
  __device__ __forceinline__ int64_t at(const O& operand, const TileRange& range, int j = 0) const {
    const int outer = range.first_outer + (O::along_k ? row : column + j),
              k = range.first_k + (O::along_k ? column + j : row);
    return outer < range.outers && k < range.end_k ? operand.at(operand.begin(outer), k) : -1;
  }
};

template <class O> struct Filler {
  __device__ __forceinline__ void begin(const O& operand, const Shared<float>& to, const TileRange& range) {
#pragma unroll
    for (int part = 0; part < groups_each; part++) {
      const Group<O> group(part);
      const Shared<float> four = group.in(to);
      if (operand.vectors) {
        const int64_t at = group.at(operand, range);
        cp_async_16(four, at >= 0 ? operand.data + at : operand.data, at >= 0);
        continue;
      }
      for (int j = 0; j < 4; j++) {
        const int64_t at = group.at(operand, range, j);
        float v = 0;
        if (at >= 0) v = operand.data[at];
        four[j] = v;
      }
    }
  }
  __device__ __forceinline__ void end(const O&, const Shared<float>&) {}
  __device__ __forceinline__ void finish(const O&, const Shared<float>&, int, int) {}
};

// A sum of many that loses little: Kahan, Further remarks on reducing truncation errors (CACM 1965).
struct CompensatedSum {
  float sum = 0, surplus = 0;
  __device__ __forceinline__ void add(float v) {
    const float wanted = v - surplus, next = sum + wanted;
    surplus = (next - sum) - wanted;
    sum = next;
  }
};

// `begin` reads a tile into registers, `end` masks it and writes it to shared memory: a tile is multiplied in between.
template <class O>
requires O::masked struct Filler<O> {
  static constexpr bool sums = !O::along_k;
  float gradient[groups_each][4], result[groups_each][4];
  CompensatedSum total[sums ? 4 : 1];  // of the outer indices that are this thread's, the same in each tile

  __device__ __forceinline__ void begin(const O& operand, const Shared<float>&, const TileRange& range) {
#pragma unroll
    for (int part = 0; part < groups_each; part++) {
      const Group<O> group(part);
#pragma unroll
      for (int j = 0; j < 4; j++) gradient[part][j] = result[part][j] = 0;
      if (operand.vectors) {
        const int64_t at = group.at(operand, range);
        if (at < 0) continue;
        take(gradient[part], operand.data.load4(at));
        take(result[part], operand.y.load4(at));
        continue;
      }
#pragma unroll
      for (int j = 0; j < 4; j++) {
        const int64_t at = group.at(operand, range, j);
        if (at >= 0) gradient[part][j] = operand.data[at], result[part][j] = operand.y[at];
      }
    }
  }

  __device__ __forceinline__ void end(const O& operand, const Shared<float>& to) {
    const bool counts = sums && blockIdx.x == 0 && operand.totals;
#pragma unroll
    for (int part = 0; part < groups_each; part++) {
      float v[4];
#pragma unroll
      for (int j = 0; j < 4; j++) {
        v[j] = operand.apply(gradient[part][j], result[part][j]);
        if (sums && counts) total[sums ? j : 0].add(v[j]);
      }
      Group<O>(part).in(to).store4(0, make_float4(v[0], v[1], v[2], v[3]));
    }
  }

  // The totals of this part of k, by the first row of tiles: the threads' sums in their order. `ring` is free for use.
  __device__ __forceinline__ void finish(const O& operand, const Shared<float>& ring, int first, int outers) {
    if constexpr (sums) {
      if (blockIdx.x != 0 || !operand.totals) return;
      constexpr int in_a_row = Group<O>::in_a_row, rows = threads / in_a_row;
      const int t = threadIdx.x;
      __syncthreads();
#pragma unroll
      for (int j = 0; j < 4; j++) ring[t / in_a_row * tile + t % in_a_row * 4 + j] = total[j].sum;
      __syncthreads();
      if (t >= tile || first + t >= outers) return;
      double sum = 0;
      for (int row = 0; row < rows; row++) {
        const float v = ring[row * tile + t];
        sum += v;
      }
      operand.totals[int64_t{blockIdx.z} * outers + first + t] = static_cast<float>(sum);
    }
  }

  __device__ __forceinline__ static void take(float to[4], float4 v) {
    to[0] = v.x, to[1] = v.y, to[2] = v.z, to[3] = v.w;
  }
};

}  // namespace doppel::cuda::gemm
