#include "faulty.h"

namespace doppel::cuda::faulty {

namespace {

// Lets the lanes of a warp meet, which orders nothing. Gives 1.
__device__ __forceinline__ int meet() { return __shfl_xor_sync(0xffffffffu, 1, 1); }

__global__ void reads_past_the_end_kernel(In<float> x, Out<float> out, int count) {
  const int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i <= count) out[i] = x[i];  // < count
}

__global__ void writes_past_the_end_kernel(Out<float> out) {
  out[(blockIdx.x * blockDim.y + threadIdx.y) * blockDim.x + threadIdx.x] = 1;
}

__global__ void reads_before_the_start_kernel(In<float> x, Out<float> out) {
  const int i = threadIdx.x;
  out[i] = x[i - 1];
}

__global__ void reads_four_past_the_end_kernel(In<float> x, Out<float> out, int from) { out.store4(0, x.load4(from)); }

__global__ void writes_past_a_shared_array_kernel(Out<float> out) {
  DOPPEL_SHARED(float, tile, 32);
  DOPPEL_SHARED(float, neighbour, 32);
  neighbour[threadIdx.x] = 0;
  tile[threadIdx.x + 1] = 1;
  __syncthreads();
  out[threadIdx.x] = tile[threadIdx.x] + neighbour[threadIdx.x];
}

__global__ void reads_past_a_shared_array_kernel(Out<float> out) {
  DOPPEL_SHARED(float, tile, 32);
  tile[threadIdx.x] = 1;
  __syncthreads();
  out[threadIdx.x] = tile[2 * threadIdx.x];
}

__global__ void copies_kernel(In<float> x, Out<float> out, int count) {
  const int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i < count) out[i] = x[i];
}

__global__ void sums_what_it_did_not_clear_kernel(In<float> x, Out<float> out) { out[threadIdx.x] += x[threadIdx.x]; }

__global__ void reads_shared_memory_of_the_block_before_kernel(Out<float> out) {
  DOPPEL_SHARED(float, carried, 32);
  if (blockIdx.x == 0) carried[threadIdx.x] = 1;
  __syncthreads();
  out[blockIdx.x * 32 + threadIdx.x] = carried[threadIdx.x];
}

__global__ void returns_before_the_barrier_kernel(Out<float> out, int count) {
  DOPPEL_SHARED(float, tile, 64);
  const int i = threadIdx.x;
  if (i >= count) return;
  tile[i] = 1;
  __syncthreads();
  out[i] = tile[count - 1 - i];
}

__global__ void has_a_barrier_in_a_branch_kernel(Out<float> out) {
  if (threadIdx.x < 32) __syncthreads();
  __syncwarp();
  if (threadIdx.x >= 32) {
    const float one = __shfl_sync(0xffffffffu, 1.0f, 0);
    out[threadIdx.x] = one;
  }
}

__global__ void has_a_barrier_in_each_branch_kernel(Out<float> out) {
  if (threadIdx.x % 2 == 0) {
    out[threadIdx.x] = 1;
    __syncthreads();
  } else {
    __syncthreads();
    out[threadIdx.x] = 2;
  }
}

__global__ void leaves_lanes_out_of_a_shuffle_kernel(Out<float> out) {
  float value = threadIdx.x;
  if (threadIdx.x < 16) value += __shfl_xor_sync(0xffffffffu, value, 8);
  __syncthreads();
  out[threadIdx.x] = value;
}

__global__ void shuffles_in_each_branch_kernel(Out<float> out) {
  float value = threadIdx.x;
  if (threadIdx.x % 2 == 0) {
    value += __shfl_xor_sync(0xffffffffu, value, 1);
  } else {
    value -= __shfl_xor_sync(0xffffffffu, value, 1);
  }
  out[threadIdx.x] = value;
}

__global__ void calls_outside_its_mask_kernel(Out<float> out) { out[threadIdx.x] = __shfl_sync(0x0000ffffu, 1.0f, 0); }

__global__ void shuffles_from_a_lane_that_ended_kernel(Out<float> out) {
  if (threadIdx.x == 31) return;
  const float value = threadIdx.x;
  out[threadIdx.x] = value + __shfl_xor_sync(0xffffffffu, value, 1);
}

__global__ void shuffles_past_the_block_kernel(Out<float> out) {
  const float value = threadIdx.x;
  out[threadIdx.x] = value + __shfl_down_sync(0xffffffffu, value, 1);
}

__global__ void multiplies_with_half_a_warp_kernel(Out<float> out) {
  float sums[4] = {};
  const uint32_t a[4] = {}, b[2] = {};
  mma_tf32_16x8x8(sums, a, b);
  out[threadIdx.x] = sums[0];
}

__global__ void sums_without_barriers_kernel(In<float> x, Out<float> out) {
  DOPPEL_SHARED(float, part, 64);
  const int t = threadIdx.x;
  part[t] = x[t];
  __syncthreads();
  for (int half = 32; half > 0; half /= 2) {
    if (t < half) part[t] += part[t + half];
  }
  if (t == 0) out[0] = part[0];
}

__global__ void writes_one_element_twice_kernel(Out<float> out) {
  DOPPEL_SHARED(float, last, 1);
  if (threadIdx.x % 32 == 0) last[0] = threadIdx.x;
  __syncthreads();
  out[threadIdx.x] = last[0];
}

// The barrier between the reads of one round and the writes of the next is missing.
__global__ void overwrites_what_others_read_kernel(In<float> x, Out<float> out) {
  DOPPEL_SHARED(float, tile, 64);
  const int t = threadIdx.x;
  for (int round = 0; round < 2; round++) {
    tile[t] = x[64 * round + t];
    __syncthreads();
    out[64 * round + t] = tile[63 - t];
  }
}

__global__ void trusts_the_warp_kernel(In<float> x, Out<float> out) {
  DOPPEL_SHARED(float, tile, 32);
  const int t = threadIdx.x;
  tile[t] = 0;
  __syncthreads();
  tile[t] = x[t];
  out[t] = tile[31 - t];
}

__global__ void synchronises_too_few_lanes_kernel(In<float> x, Out<float> out) {
  DOPPEL_SHARED(float, tile, 32);
  const int t = threadIdx.x;
  tile[t] = 0;
  __syncthreads();
  tile[t] = x[t];
  __syncwarp(t < 16 ? 0x0000ffffu : 0xffff0000u);
  out[t] = tile[31 - t];
}

// A shuffle lets all lanes meet, but orders no memory.
__global__ void trusts_a_shuffle_kernel(In<float> x, Out<float> out) {
  DOPPEL_SHARED(float, tile, 32);
  const int t = threadIdx.x;
  tile[t] = x[t];
  const int met = meet();
  out[t] = met * tile[31 - t];
}

__global__ void reads_a_counter_too_early_kernel(Out<int> out) {
  DOPPEL_SHARED(int, counter, 1);
  if (threadIdx.x == 0) counter[0] = 0;
  __syncthreads();
  atomicAdd(&counter[0], meet());
  out[threadIdx.x] = meet() * counter[0];
}

__global__ void counts_what_others_still_read_kernel(Out<int> out) {
  DOPPEL_SHARED(int, counter, 1);
  if (threadIdx.x == 0) counter[0] = 0;
  __syncthreads();
  out[threadIdx.x] = counter[0];
  atomicAdd(&counter[0], meet());
}

__global__ void counts_from_a_value_too_new_kernel(Out<int> out) {
  DOPPEL_SHARED(int, counter, 1);
  if (threadIdx.x == 0) counter[0] = 0;
  atomicAdd(&counter[0], meet());
  __syncthreads();
  out[threadIdx.x] = counter[0];
}

__global__ void clears_what_others_count_kernel(Out<int> out) {
  DOPPEL_SHARED(int, counter, 1);
  if (threadIdx.x == 0) counter[0] = 5;
  __syncthreads();
  atomicAdd(&counter[0], 1);
  const int met = meet();
  if (threadIdx.x == 16) counter[0] = met;
  __syncthreads();
  out[threadIdx.x] = counter[0];
}

__global__ void counts_from_nothing_kernel(Out<int> out) {
  DOPPEL_SHARED(int, counter, 1);
  atomicAdd(&counter[0], 1);
  __syncthreads();
  out[threadIdx.x] = counter[0];
}

__global__ void exchanges_without_a_barrier_kernel(Out<float> out) {
  out[threadIdx.x] = threadIdx.x;
  const int met = meet();
  out[64 + threadIdx.x] = met * out[threadIdx.x ^ 1];
}

__global__ void takes_a_warp_for_a_block_kernel(Out<float> out) {
  out[threadIdx.x] = threadIdx.x;
  __syncwarp();
  out[64 + threadIdx.x] = out[63 - threadIdx.x];
}

// The last block to come adds up what the others left, but no fence says that it is there.
__global__ void forgets_the_fence_kernel(Out<float> out, Out<int> arrived) {
  if (threadIdx.x != 0) return;
  out[1 + blockIdx.x] = 1;
  if (atomicAdd(&arrived[0], 1) != static_cast<int>(gridDim.x) - 1) return;
  float sum = 0;
  for (unsigned b = 0; b < gridDim.x; b++) sum += out[1 + b];
  out[0] = sum;
}

__global__ void writes_what_another_block_writes_kernel(Out<float> out) { out[threadIdx.x] = blockIdx.x; }

__global__ void forgets_to_wait_kernel(In<float> x, Out<float> out) {
  DOPPEL_SHARED(float, tile, 128);
  const int t = threadIdx.x;
  cp_async_16(tile + 4 * t, x + 4 * t, true);
  cp_async_commit();
  __syncthreads();
  out[t] = tile[t];
}

// As in a ring: the place has been used before.
__global__ void reads_what_is_being_replaced_kernel(In<float> x, Out<float> out) {
  DOPPEL_SHARED(float, tile, 128);
  const int t = threadIdx.x;
  for (int i = 0; i < 4; i++) tile[4 * t + i] = 0;
  __syncthreads();
  cp_async_16(tile + 4 * t, x + 4 * t, true);
  cp_async_commit();
  out[t] = tile[4 * t];
}

__global__ void counts_where_a_copy_lands_kernel(In<float> x, Out<float> out) {
  DOPPEL_SHARED(float, tile, 128);
  const int t = threadIdx.x;
  for (int i = 0; i < 4; i++) tile[4 * t + i] = 0;
  __syncthreads();
  cp_async_16(tile + 4 * t, x + 4 * t, true);
  cp_async_commit();
  atomicAdd(&tile[4 * t], 1.0f);
  cp_async_wait<0>();
  out[t] = tile[4 * t];
}

__global__ void forgets_to_commit_kernel(In<float> x, Out<float> out) {
  DOPPEL_SHARED(float, tile, 128);
  const int t = threadIdx.x;
  cp_async_16(tile + 4 * t, x + 4 * t, true);
  cp_async_wait<0>();
  __syncthreads();
  out[t] = tile[t];
}

__global__ void waits_for_too_few_kernel(In<float> x, Out<float> out) {
  DOPPEL_SHARED(float, tiles, 256);
  const int t = threadIdx.x;
  for (int k = 0; k < 2; k++) {
    cp_async_16(tiles + 128 * k + 4 * t, x + 128 * k + 4 * t, true);
    cp_async_commit();
  }
  cp_async_wait<1>();
  __syncthreads();
  out[t] = tiles[t] + tiles[128 + t];
}

__global__ void waits_without_a_barrier_kernel(In<float> x, Out<float> out) {
  DOPPEL_SHARED(float, tile, 128);
  const int t = threadIdx.x;
  cp_async_16(tile + 4 * t, x + 4 * t, true);
  cp_async_commit();
  cp_async_wait<0>();
  const int met = meet();  // so that all copies have landed when one of them is read
  out[t] = met * tile[t];
}

// Two stages need a barrier after the use, too.
__global__ void fetches_into_what_others_read_kernel(In<float> x, Out<float> out) {
  DOPPEL_SHARED(float, ring, 256);
  const int t = threadIdx.x;
  float sum = 0;
  cp_async_16(ring + 4 * t, x + 4 * t, true);
  cp_async_commit();
  for (int k = 0; k < 3; k++) {
    cp_async_16(ring + (k + 1) % 2 * 128 + 4 * t, x + (k + 1) * 128 + 4 * t, true);
    cp_async_commit();
    cp_async_wait<1>();
    __syncthreads();
    sum += ring[k % 2 * 128 + t];
    sum *= meet();  // so that all have read when the next copy begins
  }
  out[t] = sum;
}

__global__ void writes_where_a_copy_lands_kernel(In<float> x, Out<float> out) {
  DOPPEL_SHARED(float, tile, 128);
  const int t = threadIdx.x;
  cp_async_16(tile + 4 * t, x + 4 * t, true);
  cp_async_commit();
  tile[4 * t + 3] = 0;
  cp_async_wait<0>();
  __syncthreads();
  out[t] = tile[t];
}

__global__ void fetches_past_the_end_kernel(In<float> x, Out<float> out) {
  DOPPEL_SHARED(float, tile, 128);
  const int t = threadIdx.x;
  cp_async_16(tile + 4 * t, x + 4 * t, true);
  cp_async_commit();
  cp_async_wait<0>();
  __syncthreads();
  out[t] = tile[t];
}

__global__ void fetches_misaligned_kernel(In<float> x, Out<float> out) {
  DOPPEL_SHARED(float, tile, 128);
  const int t = threadIdx.x;
  cp_async_16(tile + 4 * t, x + 4 * t + 1, true);
  cp_async_commit();
  cp_async_wait<0>();
  __syncthreads();
  out[t] = tile[t];
}

__global__ void multiplies_what_is_not_tf32_kernel(In<float> x, Out<float> out) {
  float sums[4] = {};
  const uint32_t bits = __float_as_uint(x[threadIdx.x]), a[4] = {bits, bits, bits, bits}, b[2] = {bits, bits};
  mma_tf32_16x8x8(sums, a, b);
  out[threadIdx.x] = sums[0];
}

__global__ void sums_floats_by_atomics_kernel(In<float> x, Out<float> out) {
  if (threadIdx.x == 0) atomicAdd(&out[0], x[blockIdx.x]);
}

__global__ void reads_what_another_block_writes_kernel(Out<float> out) {
  const int b = blockIdx.x, left = b == 0 ? 0 : b - 1;
  if (threadIdx.x == 0) out[b] = out[left] + 1;
}

template <int kilobytes> __global__ void takes_shared_memory_kernel(Out<float> out) {
  DOPPEL_SHARED(float, large, kilobytes * 256);
  large[threadIdx.x] = 1;
  out[threadIdx.x] = large[threadIdx.x];
}

}  // namespace

void reads_past_the_end(In<float> x, Out<float> out, int count) {
  launch(reads_past_the_end_kernel, (count + 31) / 32, 32, nullptr, x, out, count);
}
void writes_past_the_end(Out<float> out) { launch(writes_past_the_end_kernel, 2, dim3(8, 4), nullptr, out); }
void reads_before_the_start(In<float> x, Out<float> out) {
  launch(reads_before_the_start_kernel, 1, 32, nullptr, x, out);
}
void reads_four_past_the_end(In<float> x, Out<float> out, int from) {
  launch(reads_four_past_the_end_kernel, 1, 1, nullptr, x, out, from);
}
void writes_past_a_shared_array(Out<float> out) { launch(writes_past_a_shared_array_kernel, 1, 32, nullptr, out); }
void reads_past_a_shared_array(Out<float> out) { launch(reads_past_a_shared_array_kernel, 1, 32, nullptr, out); }
void copies(In<float> x, Out<float> out, int count) {
  launch(copies_kernel, (count + 31) / 32, 32, nullptr, x, out, count);
}
void sums_what_it_did_not_clear(In<float> x, Out<float> out) {
  launch(sums_what_it_did_not_clear_kernel, 1, 32, nullptr, x, out);
}
void reads_shared_memory_of_the_block_before(Out<float> out) {
  launch(reads_shared_memory_of_the_block_before_kernel, 2, 32, nullptr, out);
}
#ifdef DOPPEL_EMULATED
void takes_too_much_shared_memory(Out<float> out) { launch(takes_shared_memory_kernel<49>, 1, 32, nullptr, out); }
#else
void takes_too_much_shared_memory(Out<float> out) {
  launch(takes_shared_memory_kernel<48>, 1, 32, nullptr, out);
}  // ptxas refuses 49
#endif

void returns_before_the_barrier(Out<float> out, int count) {
  launch(returns_before_the_barrier_kernel, 1, 64, nullptr, out, count);
}
void has_a_barrier_in_a_branch(Out<float> out) { launch(has_a_barrier_in_a_branch_kernel, 1, 64, nullptr, out); }
void has_a_barrier_in_each_branch(Out<float> out) { launch(has_a_barrier_in_each_branch_kernel, 1, 64, nullptr, out); }
void leaves_lanes_out_of_a_shuffle(Out<float> out) {
  launch(leaves_lanes_out_of_a_shuffle_kernel, 1, 32, nullptr, out);
}
void shuffles_in_each_branch(Out<float> out) { launch(shuffles_in_each_branch_kernel, 1, 32, nullptr, out); }
void calls_outside_its_mask(Out<float> out) { launch(calls_outside_its_mask_kernel, 1, 32, nullptr, out); }
void shuffles_from_a_lane_that_ended(Out<float> out) {
  launch(shuffles_from_a_lane_that_ended_kernel, 1, 32, nullptr, out);
}
void shuffles_past_the_block(Out<float> out) { launch(shuffles_past_the_block_kernel, 1, 40, nullptr, out); }
void multiplies_with_half_a_warp(Out<float> out) { launch(multiplies_with_half_a_warp_kernel, 1, 48, nullptr, out); }

void sums_without_barriers(In<float> x, Out<float> out) {
  launch(sums_without_barriers_kernel, 1, 64, nullptr, x, out);
}
void writes_one_element_twice(Out<float> out) { launch(writes_one_element_twice_kernel, 1, 64, nullptr, out); }
void overwrites_what_others_read(In<float> x, Out<float> out) {
  launch(overwrites_what_others_read_kernel, 1, 64, nullptr, x, out);
}
void trusts_the_warp(In<float> x, Out<float> out) { launch(trusts_the_warp_kernel, 1, 32, nullptr, x, out); }
void synchronises_too_few_lanes(In<float> x, Out<float> out) {
  launch(synchronises_too_few_lanes_kernel, 1, 32, nullptr, x, out);
}
void trusts_a_shuffle(In<float> x, Out<float> out) { launch(trusts_a_shuffle_kernel, 1, 32, nullptr, x, out); }
void reads_a_counter_too_early(Out<int> out) { launch(reads_a_counter_too_early_kernel, 1, 32, nullptr, out); }
void counts_what_others_still_read(Out<int> out) { launch(counts_what_others_still_read_kernel, 1, 32, nullptr, out); }
void counts_from_a_value_too_new(Out<int> out) { launch(counts_from_a_value_too_new_kernel, 1, 32, nullptr, out); }
void clears_what_others_count(Out<int> out) { launch(clears_what_others_count_kernel, 1, 32, nullptr, out); }
void counts_from_nothing(Out<int> out) { launch(counts_from_nothing_kernel, 1, 32, nullptr, out); }

void exchanges_without_a_barrier(Out<float> out) { launch(exchanges_without_a_barrier_kernel, 1, 64, nullptr, out); }
void takes_a_warp_for_a_block(Out<float> out) { launch(takes_a_warp_for_a_block_kernel, 1, 64, nullptr, out); }
void forgets_the_fence(Out<float> out, Out<int> arrived, int blocks) {
  launch(forgets_the_fence_kernel, blocks, 32, nullptr, out, arrived);
}
void writes_what_another_block_writes(Out<float> out) {
  launch(writes_what_another_block_writes_kernel, 2, 32, nullptr, out);
}

void forgets_to_wait(In<float> x, Out<float> out) { launch(forgets_to_wait_kernel, 1, 32, nullptr, x, out); }
void reads_what_is_being_replaced(In<float> x, Out<float> out) {
  launch(reads_what_is_being_replaced_kernel, 1, 32, nullptr, x, out);
}
void counts_where_a_copy_lands(In<float> x, Out<float> out) {
  launch(counts_where_a_copy_lands_kernel, 1, 32, nullptr, x, out);
}
void forgets_to_commit(In<float> x, Out<float> out) { launch(forgets_to_commit_kernel, 1, 32, nullptr, x, out); }
void waits_for_too_few(In<float> x, Out<float> out) { launch(waits_for_too_few_kernel, 1, 32, nullptr, x, out); }
void waits_without_a_barrier(In<float> x, Out<float> out) {
  launch(waits_without_a_barrier_kernel, 1, 32, nullptr, x, out);
}
void fetches_into_what_others_read(In<float> x, Out<float> out) {
  launch(fetches_into_what_others_read_kernel, 1, 32, nullptr, x, out);
}
void writes_where_a_copy_lands(In<float> x, Out<float> out) {
  launch(writes_where_a_copy_lands_kernel, 1, 32, nullptr, x, out);
}
void fetches_past_the_end(In<float> x, Out<float> out) { launch(fetches_past_the_end_kernel, 1, 32, nullptr, x, out); }
void fetches_misaligned(In<float> x, Out<float> out) { launch(fetches_misaligned_kernel, 1, 32, nullptr, x, out); }

void multiplies_what_is_not_tf32(In<float> x, Out<float> out) {
  launch(multiplies_what_is_not_tf32_kernel, 1, 32, nullptr, x, out);
}
void sums_floats_by_atomics(In<float> x, Out<float> out, int blocks) {
  launch(sums_floats_by_atomics_kernel, blocks, 32, nullptr, x, out);
}
void reads_what_another_block_writes(Out<float> out, int blocks) {
  launch(reads_what_another_block_writes_kernel, blocks, 32, nullptr, out);
}

}  // namespace doppel::cuda::faulty
