// Kernels with one fault each, such as slip through on a card: the emulator must find every one.
#pragma once
#include "../../../packages/native-cuda/cc/cuda/device.cuh"

namespace doppel::cuda::faulty {

template <class T> using In = Global<const T>;
template <class T> using Out = Global<T>;

// Memory
void reads_past_the_end(In<float> x, Out<float> out, int count);
void writes_past_the_end(Out<float> out);
void reads_before_the_start(In<float> x, Out<float> out);
void reads_four_past_the_end(In<float> x, Out<float> out, int from);
void writes_past_a_shared_array(Out<float> out);
void reads_past_a_shared_array(Out<float> out);
void copies(In<float> x, Out<float> out, int count);
void sums_what_it_did_not_clear(In<float> x, Out<float> out);
void reads_shared_memory_of_the_block_before(Out<float> out);
void takes_too_much_shared_memory(Out<float> out);

// Barriers
void returns_before_the_barrier(Out<float> out, int count);
void has_a_barrier_in_a_branch(Out<float> out);
void has_a_barrier_in_each_branch(Out<float> out);
void leaves_lanes_out_of_a_shuffle(Out<float> out);
void shuffles_in_each_branch(Out<float> out);
void calls_outside_its_mask(Out<float> out);
void shuffles_from_a_lane_that_ended(Out<float> out);
void shuffles_past_the_block(Out<float> out);
void multiplies_with_half_a_warp(Out<float> out);

// Races
void sums_without_barriers(In<float> x, Out<float> out);
void writes_one_element_twice(Out<float> out);
void overwrites_what_others_read(In<float> x, Out<float> out);
void trusts_the_warp(In<float> x, Out<float> out);
void synchronises_too_few_lanes(In<float> x, Out<float> out);
void trusts_a_shuffle(In<float> x, Out<float> out);
void reads_a_counter_too_early(Out<int> out);
void counts_what_others_still_read(Out<int> out);
void counts_from_a_value_too_new(Out<int> out);
void clears_what_others_count(Out<int> out);
void counts_from_nothing(Out<int> out);
void exchanges_without_a_barrier(Out<float> out);
void reads_what_another_block_writes(Out<float> out, int blocks);
void writes_what_another_block_writes(Out<float> out);
void takes_a_warp_for_a_block(Out<float> out);
void forgets_the_fence(Out<float> out, Out<int> arrived, int blocks);

// Asynchronous copies
void forgets_to_wait(In<float> x, Out<float> out);
void reads_what_is_being_replaced(In<float> x, Out<float> out);
void counts_where_a_copy_lands(In<float> x, Out<float> out);
void forgets_to_commit(In<float> x, Out<float> out);
void waits_for_too_few(In<float> x, Out<float> out);
void waits_without_a_barrier(In<float> x, Out<float> out);
void fetches_into_what_others_read(In<float> x, Out<float> out);
void writes_where_a_copy_lands(In<float> x, Out<float> out);
void fetches_past_the_end(In<float> x, Out<float> out);
void fetches_misaligned(In<float> x, Out<float> out);

// Numbers, and the order of blocks
void multiplies_what_is_not_tf32(In<float> x, Out<float> out);
void sums_floats_by_atomics(In<float> x, Out<float> out, int blocks);

}  // namespace doppel::cuda::faulty
