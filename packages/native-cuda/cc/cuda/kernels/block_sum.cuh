// Sums over the threads of a warp or a block, always in the same order.
#pragma once
#include "../runtime.cuh"

namespace doppel::cuda {

constexpr unsigned whole_warp = 0xffffffffu;

template <class T> __device__ inline T warp_sum(T v) {
  for (int lanes = 16; lanes > 0; lanes /= 2) v += __shfl_xor_sync(whole_warp, v, lanes);
  return v;
}

}  // namespace doppel::cuda
