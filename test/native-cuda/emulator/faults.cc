// Every fault that is planted is found, whatever the order in which threads happen to run, and its text says where it
// is.
#include "faulty.h"
#include "suite.h"

namespace doppel::cuda::test {

namespace {

using namespace faulty;

using Fragments = std::vector<std::string>;

// The work must end in a Fault of that kind, whose text has all these parts.
void finds(FaultKind kind, const Fragments& fragments, const std::function<void()>& work) {
  const std::string wanted = std::string("expected a fault of kind \"") + name_of(kind) + "\", found ";
  try {
    work();
  } catch (const Fault& fault) {
    const std::string text = fault.what();
    expect(fault.kind == kind, wanted + "\"" + text + "\"");
    for (const std::string& fragment : fragments)
      expect(text.find(fragment) != std::string::npos, "expected \"" + fragment + "\" in \"" + text + "\"");
    return;
  }
  throw std::runtime_error(wanted + "none");
}

// The kernel on 1024 numbers. Which thread is named depends on the order, what is found does not.
template <class T = float, class F> Case kernel(const char* name, FaultKind kind, const Fragments& fragments, F run) {
  const auto work = [run] {
    Device<float> x(random_values(1024));
    Device<T> out(1024);
    if constexpr (std::is_invocable_v<F, In<float>, Out<T>>) {
      run(x.in(), out.view());
    } else {
      run(out.view());
    }
  };
  return {name, [=] {
            finds(kind, fragments, work);
            const emulator::OrderGuard guard;
            set_block_order(Order::backwards);
            finds(kind, {}, work);
            set_block_order(Order::shuffled, 5);
            finds(kind, {}, work);
          }};
}

Case host(const char* name, FaultKind kind, const Fragments& fragments, const std::function<void()>& work) {
  return {name, [=] { finds(kind, fragments, work); }};
}

void a_view_outlives_its_buffer() {
  Device<float> out(32);
  Global<const float> x;
  {
    Device<float> short_lived(random_values(32));
    x = short_lived.in();
  }
  copies(x, out.view(), 32);
}

void a_kernel_writes_to_what_was_freed() {
  Global<float> out;
  {
    Device<float> short_lived(64);
    out = short_lived.view();
  }
  writes_past_the_end(out);
}

void a_buffer_is_freed_twice() {
  void* data = device_malloc(16);
  device_free(data);
  device_free(data);
}

// Of 40 elements the last 8 are not written.
void a_result_has_a_hole() {
  Device<float> x(random_values(40)), out(40);
  copies(x.in(), out.view(), 32);
  out.values();
}

void a_kernel_reads_a_hole() {
  Device<float> x(40), out(40);
  copy_to_device(x.data, random_values(32).data(), 128);
  copies(x.in(), out.view(), 40);
}

void copies_in_a_grid(dim3 grid, dim3 block) {
  Device<int> out(16);
  const auto nothing = +[](Global<int>) {};
  launch(nothing, grid, block, nullptr, out.view());
}

std::vector<std::byte> bytes_of(const Device<float>& device) {
  const std::vector<float> values = device.values();
  const auto* first = reinterpret_cast<const std::byte*>(values.data());
  return {first, first + values.size() * sizeof(float)};
}

void floats_are_summed_in_any_order() {
  const std::vector<float> x = random_values(100);
  run_orders([&] {
    Device<float> in(x), out(std::vector<float>{0});
    sums_floats_by_atomics(in.in(), out.view(), 100);
    return bytes_of(out);
  });
}

void the_last_block_comes_too_early() {
  Device<float> out(21);
  Device<int> arrived(std::vector<int>{0});
  forgets_the_fence(out.view(), arrived.view(), 20);
}

void blocks_use_each_other() {
  Device<float> out(std::vector<float>(20));
  reads_what_another_block_writes(out.view(), 20);
}

void while_captured(const std::function<void(Stream)>& work) {
  EmulatedStream stream;
  begin_recording(&stream);
  work(&stream);
}

void a_replay_gives_back_too_early() {
  EmulatedStream stream;
  Device<float> x(random_values(64)), out(32);
  begin_recording(&stream);
  note_given(x.data + 32, 32 * sizeof(float), &stream);
  const RecordedWork work = end_recording(&stream);
  copies(Global<const float>(x.data + 32, 32), out.view(), 32);
  work.replay(&stream);
  copies(Global<const float>(x.data, 32), out.view(), 32);
  copies(Global<const float>(x.data + 32, 32), out.view(), 32);
}

const std::vector<float> host_memory(4);

std::vector<Case> in_memory() {
  using enum FaultKind;
  return {
      kernel(
          "a read past the end of a view", out_of_bounds,
          {"kernel reads_past_the_end_kernel, block (31, 0, 0), thread (8, 0, 0)",
           "read of element 1000 of a view of global memory that starts at byte 0 of buffer ", "0 to 999",
           "faulty.cu:"},
          [](In<float> x, Out<float> out) { reads_past_the_end(Global<const float>(x.address(0), 1000), out, 1000); }),
      kernel("a write past the end of a view", out_of_bounds,
             {"block (1, 0, 0), thread (0, 1, 0)", "write of element 40 of a view", "0 to 39", "faulty.cu:"},
             [](Out<float> out) { writes_past_the_end(Global<float>(out.address(0), 40)); }),
      kernel("a read before the start of a view", out_of_bounds, {"thread (0, 0, 0)", "read of element -1"},
             reads_before_the_start),
      kernel("a wide read that ends past the view", out_of_bounds, {"elements 1022 to 1025"},
             [](In<float> x, Out<float> out) { reads_four_past_the_end(x, out, 1022); }),
      kernel("a wide read between two multiples", misaligned, {"16 bytes at element 6", "multiple of 16"},
             [](In<float> x, Out<float> out) { reads_four_past_the_end(x, out, 6); }),
      kernel("a write past a shared array", out_of_bounds,
             {"thread (31, 0, 0)", "write of element 32 of shared tile", "0 to 31"}, writes_past_a_shared_array),
      kernel("a read past a shared array", out_of_bounds, {"thread (16, 0, 0)", "read of element 32 of shared tile"},
             reads_past_a_shared_array),
      kernel("a read of global memory that nobody wrote", unwritten,
             {"kernel sums_what_it_did_not_clear_kernel", "byte 0 of buffer", "of 4096 bytes", "nobody wrote it"},
             sums_what_it_did_not_clear),
      host("a read of the part of a buffer that nobody wrote", unwritten,
           {"block (1, 0, 0), thread (0, 0, 0)", "byte 128 of buffer"}, a_kernel_reads_a_hole),
      kernel("a read of shared memory that nobody wrote", unwritten,
             {"read of shared carried[0]", "no thread of this block has written it", "block (1, 0, 0)"},
             reads_shared_memory_of_the_block_before),
      kernel<int>("a count from nothing", unwritten, {"atomic update of shared counter[0]"}, counts_from_nothing),
      host("a result with a hole", unwritten, {"copy_to_host of 160 bytes", "byte 128 of buffer"}, a_result_has_a_hole),
      host("a view that outlives its buffer", freed, {"kernel copies_kernel", "of 128 bytes", "given back"},
           a_view_outlives_its_buffer),
      host("a write to a buffer that was given back", freed, {"kernel writes_past_the_end_kernel", "given back"},
           a_kernel_writes_to_what_was_freed),
      host("a buffer freed twice", freed, {"second time"}, a_buffer_is_freed_twice),
      host("a view of the host's memory", out_of_bounds, {"device_malloc did not give"},
           [] { Global<const float>(host_memory.data(), 4); }),
      kernel("a view that starts between two elements", misaligned, {"multiple of 4"},
             [](Out<float> out) {
               Global<float>(reinterpret_cast<float*>(reinterpret_cast<char*>(out.address(0)) + 2), 4);
             }),
      kernel("a view larger than its buffer", out_of_bounds, {"4100 bytes", "they end past it"},
             [](Out<float> out) { Global<const float>(out.address(0), 1025); }),
      kernel("more shared memory than a block has", FaultKind::launch, {"shared array large of 50176 bytes", "49152"},
             takes_too_much_shared_memory),
      host("a block of too many threads", FaultKind::launch, {"block (32, 33, 1)", "1 to 1024 threads"},
           [] { copies_in_a_grid(1, dim3(32, 33)); }),
      host("a grid without a block", FaultKind::launch, {"grid (0, 1, 1)", "at least one block"},
           [] { copies_in_a_grid(0, 32); }),
      host("memory taken while a stream is captured", capture, {"device_malloc on a stream that is being captured"},
           [] { while_captured([](Stream stream) { device_malloc(4, stream); }); }),
      host("a read while a stream is captured", capture, {"copy_to_host on a stream"},
           [] { while_captured([](Stream stream) { copy_to_host(nullptr, nullptr, 4, stream); }); }),
      host("a wait while a stream is captured", capture, {"synchronize on a stream"},
           [] { while_captured([](Stream stream) { synchronize(stream); }); }),
      host("a read of a part of a block that a replay gave back", freed, {"kernel copies_kernel", "given back"},
           a_replay_gives_back_too_early),
      host("a grid too high", FaultKind::launch, {"grid (1, 65536, 1)", "65535 in y"},
           [] { copies_in_a_grid(dim3(1, 65536), 32); }),
  };
}

std::vector<Case> in_meeting() {
  using enum FaultKind;
  return {
      kernel("a thread that returns before a barrier", barrier,
             {"kernel returns_before_the_barrier_kernel",
              "40 threads, the first (0, 0, 0), wait at __syncthreads (faulty.cu:",
              "24 threads, the first (40, 0, 0), have ended"},
             [](Out<float> out) { returns_before_the_barrier(out, 40); }),
      kernel("a barrier in a branch", barrier,
             {"32 threads, the first (0, 0, 0), wait at __syncthreads", "32 threads, the first (32, 0, 0), have ended"},
             has_a_barrier_in_a_branch),
      kernel("a barrier in each branch", barrier,
             {"32 threads, the first (0, 0, 0), wait at __syncthreads",
              "32 threads, the first (1, 0, 0), wait at __syncthreads"},
             has_a_barrier_in_each_branch),
      kernel("a shuffle that half of its lanes reach", barrier,
             {"16 threads, the first (0, 0, 0), wait at __shfl_xor_sync with mask 0xffffffff",
              "16 threads, the first (16, 0, 0), wait at __syncthreads"},
             leaves_lanes_out_of_a_shuffle),
      kernel("a shuffle in each branch", barrier,
             {"16 threads, the first (0, 0, 0), wait at __shfl_xor_sync",
              "16 threads, the first (1, 0, 0), wait at __shfl_xor_sync"},
             shuffles_in_each_branch),
      kernel("a lane that its own mask leaves out", barrier, {"thread (16, 0, 0)", "__shfl_sync called by lane 16"},
             calls_outside_its_mask),
      kernel("a shuffle from a lane that has ended", operand, {"__shfl_xor_sync: lane 30 reads from lane 31"},
             shuffles_from_a_lane_that_ended),
      kernel("a shuffle from past the end of the block", operand, {"lane 7 reads from lane 8"},
             shuffles_past_the_block),
      kernel("tensor cores without a full warp", barrier, {"mma_tf32_16x8x8 without lane 16, which does not exist"},
             multiplies_with_half_a_warp),
  };
}

std::vector<Case> in_racing() {
  using enum FaultKind;
  return {
      kernel("a reduction without barriers", race, {"kernel sums_without_barriers_kernel", "shared part["},
             sums_without_barriers),
      kernel("two writes of one element", race,
             {"thread (32, 0, 0): write of shared last[0]", "thread (0, 0, 0) wrote it"}, writes_one_element_twice),
      kernel("a write over what others still read", race,
             {"shared tile[", "since the last barrier thread (", "Expected __syncthreads"},
             overwrites_what_others_read),
      kernel("a warp that is trusted to go in step", race, {"shared tile[", "__syncwarp within a warp"},
             trusts_the_warp),
      kernel("a __syncwarp of too few lanes", race, {"shared tile["}, synchronises_too_few_lanes),
      kernel("a shuffle that is trusted to order memory", race, {"shared tile["}, trusts_a_shuffle),
      kernel<int>("a read of what others still count", race, {"read of shared counter[0]", "updated it"},
                  reads_a_counter_too_early),
      kernel<int>("a count of what others still read", race, {"atomic update of shared counter[0]", "read it"},
                  counts_what_others_still_read),
      kernel<int>("a count from a value too new", race,
                  {"atomic update of shared counter[0]", "thread (0, 0, 0) wrote it"}, counts_from_a_value_too_new),
      kernel<int>("a write over what others count", race,
                  {"thread (16, 0, 0): write of shared counter[0]", "updated it"}, clears_what_others_count),
      kernel("a read of what a neighbour writes to global memory", race,
             {"of 4096 bytes: since the last barrier thread (", "__syncthreads"}, exchanges_without_a_barrier),
      host("a __syncwarp between two warps", race,
           {"thread (63, 0, 0): read of byte 0 of buffer", "thread (0, 0, 0) wrote it"},
           [] { takes_a_warp_for_a_block(Device<float>(std::vector<float>(128)).view()); }),
      host("a read of what another block writes", race,
           {"block (1, 0, 0), thread (0, 0, 0): read of byte 0 of buffer", "another block of this launch wrote it"},
           blocks_use_each_other),
      kernel("a write over what another block writes", race,
             {"block (1, 0, 0)", "write of byte 0 of buffer", "another block"}, writes_what_another_block_writes),
      host("a last block without a fence", race, {"block (19, 0, 0)", "__threadfence"}, the_last_block_comes_too_early),
  };
}

std::vector<Case> in_copying() {
  using enum FaultKind;
  return {
      kernel("a copy that is not waited for", async_copy,
             {"kernel forgets_to_wait_kernel", "read of shared tile[0]", "cp.async of thread 0"}, forgets_to_wait),
      kernel("a read of what a copy replaces", async_copy, {"read of shared tile[0]"}, reads_what_is_being_replaced),
      kernel("a count where a copy lands", async_copy, {"atomic update of shared tile[0]"}, counts_where_a_copy_lands),
      kernel("a copy that is not committed", async_copy, {"cp_async_commit"}, forgets_to_commit),
      kernel("a wait for too few groups", async_copy, {"read of shared tiles[128]"}, waits_for_too_few),
      kernel("a wait without a barrier", race, {"had it written by a cp.async", "cp_async_wait"},
             waits_without_a_barrier),
      kernel("a copy over what others still read", race, {"write of shared ring[", "read it"},
             fetches_into_what_others_read),
      kernel("a write where a copy lands", async_copy, {"write of shared tile[3]"}, writes_where_a_copy_lands),
      kernel("a copy from past the end", out_of_bounds, {"thread (25, 0, 0)", "elements 100 to 103"},
             [](In<float> x, Out<float> out) { fetches_past_the_end(Global<const float>(x.address(0), 100), out); }),
      kernel("a misaligned copy", misaligned, {"16 bytes at element 1 "}, fetches_misaligned),
  };
}

std::vector<Case> in_numbers() {
  using enum FaultKind;
  return {
      kernel("tensor cores on unrounded numbers", operand, {"more than 10 bits of mantissa", "to_tf32"},
             multiplies_what_is_not_tf32),
      host("a sum of floats by atomics", order, {"run_orders", "byte "}, floats_are_summed_in_any_order),
  };
}

}  // namespace

std::vector<Case> faults() {
  std::vector<Case> all;
  for (const auto& some : {in_memory(), in_meeting(), in_racing(), in_copying(), in_numbers()})
    all.insert(all.end(), some.begin(), some.end());
  return all;
}

}  // namespace doppel::cuda::test
