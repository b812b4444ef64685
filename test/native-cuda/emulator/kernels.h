// One small kernel for each feature of CUDA that ours use. They do their work right; faulty.h has those that do not.
#pragma once
#include "../../../packages/native-cuda/cc/cuda/device.cuh"

namespace doppel::cuda::example {

template <class T> using In = Global<const T>;
template <class T> using Out = Global<T>;

// out[i] = the rank of the thread that serves i, for an odd shape of grid and block.
void number_threads(Out<int> out, dim3 grid, dim3 block);
// out[block] = the sum of its `threads` elements of x.
void block_sum(In<float> x, Out<float> out, int blocks, int threads);
// out[column, row] = x[row, column].
void transpose(In<float> x, Out<float> out, int rows, int columns);
// out[w] = the sum over the w-th 32 elements, by shuffles; up and down give the same.
void warp_sum(In<float> x, Out<float> by_xor, Out<float> by_down, int warps);
// out[i] = x[i with its lane's bits reversed], through shared memory and __syncwarp alone.
void warp_exchange(In<float> x, Out<float> out, int warps);
// As above, but each half of a warp by itself.
void half_warp_exchange(In<float> x, Out<float> out);
// out[1 + block] = the sum of the block's 32 elements; out[0] = the sum of those, by the last block that arrives.
void sum_in_one_launch(In<float> x, Out<float> out, Out<int> arrived, int blocks);
// How many of x have each value in 0..15.
void histogram(In<int> x, Out<int> counts, int count);
// out = 2x, four at a time and the rest one by one.
void twice(In<float> x, Out<float> out, int count);
// d[16, 8] = a[16, depth]·b[depth, 8], by one warp; depth a multiple of 8 (TF32) or 16 (bf16).
void product_tf32(In<float> a, In<float> b, Out<float> d, int depth);
void product_bf16(In<float> a, In<float> b, Out<float> d, int depth);
// out[i] = the sum over tiles of x[tile, i], 128 elements a tile, the last cut short: cp.async with three stages.
void sum_of_tiles(In<float> x, Out<float> out, int count);
// out[w] = which lanes of the w-th 32 elements are negative.
void negative_lanes(In<float> x, Out<unsigned> out, int warps);

}  // namespace doppel::cuda::example
