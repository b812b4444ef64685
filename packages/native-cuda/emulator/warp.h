// What the threads of a block and the lanes of a warp do together: barriers, shuffles, votes; and atomics.
#pragma once
#include <type_traits>

#include "views.h"

namespace doppel::cuda::emulator {

inline void join_clocks(Warp& warp, uint32_t lanes) { warp.synchronise(lanes, lanes == warp.all()); }

// A lane's part of a shuffle.
template <class T> struct Shuffle {
  T value;
  unsigned source;  // lane
  T result;
};

[[noreturn]] void fail_shuffle(const Collective& collective, unsigned lane, unsigned source);

// A shuffle moves registers and orders no memory.
template <class T> void complete_shuffle(Warp& warp, uint32_t lanes) {
  for (unsigned lane = 0; lane < warp.lanes; lane++) {
    if (!(lanes >> lane & 1)) continue;
    auto& mine = *static_cast<Shuffle<T>*>(warp.threads[lane]->operand);
    if (!(lanes >> mine.source & 1)) fail_shuffle(warp.threads[lane]->collective, lane, mine.source);
    mine.result = static_cast<Shuffle<T>*>(warp.threads[mine.source]->operand)->value;
  }
}

template <class T> T shuffle(const char* name, uint32_t mask, T value, unsigned source, const Place& place) {
  static_assert(std::is_arithmetic_v<T>, "a shuffle takes a number: convert the element of a view to its value first");
  Shuffle<T> operand{value, source, value};
  machine.collective({name, mask, place, &complete_shuffle<T>}, &operand);
  return operand.result;
}

struct Vote {
  bool predicate;
  unsigned ballot;
};

inline void complete_vote(Warp& warp, uint32_t lanes) {
  unsigned ballot = 0;
  for (unsigned lane = 0; lane < warp.lanes; lane++) {
    if (lanes >> lane & 1) ballot |= unsigned{static_cast<Vote*>(warp.threads[lane]->operand)->predicate} << lane;
  }
  for (unsigned lane = 0; lane < warp.lanes; lane++) {
    if (lanes >> lane & 1) static_cast<Vote*>(warp.threads[lane]->operand)->ballot = ballot;
  }
}

inline unsigned vote(const char* name, uint32_t mask, bool predicate, const Place& place) {
  Vote operand{predicate, 0};
  machine.collective({name, mask, place, &complete_vote}, &operand);
  return operand.ballot;
}

inline unsigned lane() { return machine.thread().lane; }

}  // namespace doppel::cuda::emulator

inline void __syncthreads(std::source_location place = std::source_location::current()) {
  doppel::cuda::emulator::machine.barrier(place);
}

inline void __syncwarp(unsigned mask = 0xffffffffu, std::source_location place = std::source_location::current()) {
  namespace e = doppel::cuda::emulator;
  e::machine.collective({"__syncwarp", mask, place, &e::join_clocks}, nullptr);
}

template <class T>
T __shfl_sync(unsigned mask, T value, int source, int width = 32,
              std::source_location place = std::source_location::current()) {
  namespace e = doppel::cuda::emulator;
  const unsigned first = e::lane() & ~static_cast<unsigned>(width - 1);
  return e::shuffle("__shfl_sync", mask, value,
                    first + (static_cast<unsigned>(source) & static_cast<unsigned>(width - 1)), place);
}

template <class T>
T __shfl_xor_sync(unsigned mask, T value, int lanes, int width = 32,
                  std::source_location place = std::source_location::current()) {
  namespace e = doppel::cuda::emulator;
  const unsigned source = e::lane() ^ static_cast<unsigned>(lanes), last = e::lane() | static_cast<unsigned>(width - 1);
  return e::shuffle("__shfl_xor_sync", mask, value, source > last ? e::lane() : source, place);
}

template <class T>
T __shfl_down_sync(unsigned mask, T value, unsigned lanes, int width = 32,
                   std::source_location place = std::source_location::current()) {
  namespace e = doppel::cuda::emulator;
  const unsigned source = e::lane() + lanes, last = e::lane() | static_cast<unsigned>(width - 1);
  return e::shuffle("__shfl_down_sync", mask, value, source > last ? e::lane() : source, place);
}

template <class T>
T __shfl_up_sync(unsigned mask, T value, unsigned lanes, int width = 32,
                 std::source_location place = std::source_location::current()) {
  namespace e = doppel::cuda::emulator;
  const unsigned first = e::lane() & ~static_cast<unsigned>(width - 1);
  return e::shuffle("__shfl_up_sync", mask, value, e::lane() < first + lanes ? e::lane() : e::lane() - lanes, place);
}

inline unsigned __ballot_sync(unsigned mask, bool predicate,
                              std::source_location place = std::source_location::current()) {
  return doppel::cuda::emulator::vote("__ballot_sync", mask, predicate, place);
}
inline bool __any_sync(unsigned mask, bool predicate, std::source_location place = std::source_location::current()) {
  return doppel::cuda::emulator::vote("__any_sync", mask, predicate, place) != 0;
}
inline bool __all_sync(unsigned mask, bool predicate, std::source_location place = std::source_location::current()) {
  return doppel::cuda::emulator::vote("__all_sync", mask, !predicate, place) == 0;
}

// Every write is seen by all at once here; but without the fence, what other blocks do with it is a fault.
inline void __threadfence() { doppel::cuda::emulator::machine.fence(); }
inline void __threadfence_block() {}

// atomicAdd(&x[i], v) and its like, in global and shared memory. Atomics do not race with each other, but with the
// rest.
template <class A> auto atomicAdd(const A& address, typename decltype(address.view)::Value value) {
  return address.update([&](auto before) { return before + value; });
}
template <class A> auto atomicMax(const A& address, typename decltype(address.view)::Value value) {
  return address.update([&](auto before) { return before > value ? before : value; });
}
template <class A> auto atomicMin(const A& address, typename decltype(address.view)::Value value) {
  return address.update([&](auto before) { return before < value ? before : value; });
}
template <class A> auto atomicOr(const A& address, typename decltype(address.view)::Value value) {
  return address.update([&](auto before) { return before | value; });
}
template <class A> auto atomicExch(const A& address, typename decltype(address.view)::Value value) {
  return address.update([&](auto) { return value; });
}
template <class A>
auto atomicCAS(const A& address, typename decltype(address.view)::Value expected,
               typename decltype(address.view)::Value value) {
  return address.update([&](auto before) { return before == expected ? value : before; });
}
