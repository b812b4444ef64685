// cp.async: 16 bytes from global to shared memory, which land when the thread that issued them waits for their group.
// Until then nobody may touch where they go; after it, other threads need a barrier, as after any write.
#pragma once
#include "views.h"

namespace doppel::cuda {

namespace emulator {

void issue_copy(unsigned char* to, Cell* cells, unsigned count, const unsigned char* bytes, const char* name, int64_t i,
                const Place& place);
void commit_copies();
void wait_for_copies(unsigned still_under_way);

}  // namespace emulator

// Copies 16 bytes from where `from` begins to where `to` begins, or writes zeros if `valid` is false: `from` is not
// read then.
template <class T, class S>
void cp_async_16(const Shared<T>& to, const Global<S>& from, bool valid,
                 std::source_location place = std::source_location::current()) {
  static_assert(std::is_same_v<T, std::remove_const_t<S>>, "cp_async_16 copies between views of one type");
  to.template check<uint4>("cp.async write", 0, place);
  unsigned char bytes[16] = {};
  if (valid) {
    const uint4 value = from.template read<uint4>(0, place);
    std::memcpy(bytes, &value, 16);
  }
  emulator::issue_copy(reinterpret_cast<unsigned char*>(to.address(0)), to.cells(0), 16 / sizeof(T), bytes, to.name(),
                       to.first(), place);
}

// Closes a group: the copies issued since the last one.
inline void cp_async_commit() { emulator::commit_copies(); }

// Until at most the newest N groups of this thread are under way.
template <int N> void cp_async_wait() { emulator::wait_for_copies(N); }

}  // namespace doppel::cuda
