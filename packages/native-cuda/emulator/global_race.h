// Races on global memory: within a launch, who wrote each 4 bytes last. What another thread of the block wrote needs a
// barrier before it is touched; what another block wrote is not to be touched at all, but after a __threadfence and an
// atomic by the writer and an atomic by the toucher (how the last block finds that it is the last). A write over what
// others still read is seen where an order of blocks or warps puts the write first: run_orders tries both.
#pragma once
#include "machine.h"

namespace doppel::cuda::emulator {

struct Writer {
  uint32_t epoch = 0;
  uint32_t rank : 10 = 0;  // in its block
  uint32_t atomic : 1 = 0;
  uint32_t time : 21 = 0;  // of its warp
};

// Slow: for a writer of this launch. Whether what it wrote is ordered before what the running thread does.
bool is_before(const Writer& writer);
[[noreturn]] void fail_global_race(const Writer& writer, const char* action, const void* data, const Place& place);

inline bool may_touch(const Writer& writer) {
  if (writer.epoch < machine.launch_epoch()) return true;
  if (writer.epoch == machine.epoch() && writer.rank == machine.thread().rank) return true;
  return is_before(writer);
}

inline Writer this_writer(bool atomic) {
  return {machine.epoch(), machine.thread().rank & 1023, atomic, machine.warp().time & 0x1fffff};
}

}  // namespace doppel::cuda::emulator
