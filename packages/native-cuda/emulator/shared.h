// The shared memory of a block: where its arrays lie, and the rules that each access to an element keeps.
#pragma once
#include "machine.h"

// An array of a size that is known when compiling, one for all threads of the block. Its contents are nobody's at
// first.
#define DOPPEL_SHARED(T, name, count)                                                                          \
  static constinit ::doppel::cuda::emulator::SharedArray name##_array{#name, std::source_location::current()}; \
  const ::doppel::cuda::Shared<T> name(name##_array, (count))

namespace doppel::cuda::emulator {

// A declaration of shared memory in the program: it stands for one array a block.
struct SharedArray {
  const char* name;
  Place place;
  uint32_t block = 0;  // the first epoch of the block that it was laid out for
  size_t offset = 0;
};

// The first thread of a block that comes by lays the array out.
inline unsigned char* start_of(SharedArray& array, int64_t count, size_t bytes) {
  if (array.block != machine.first_epoch()) {
    array.offset = machine.take_shared(static_cast<size_t>(count) * bytes, array.name, array.place);
    array.block = machine.first_epoch();
  }
  return machine.shared_memory(array.offset);
}

inline Cell* cells_of(const SharedArray& array) { return machine.cells(array.offset); }

inline Toucher toucher() { return {machine.warp(), machine.thread().lane, machine.epoch()}; }
inline bool is_copying(const Cell& cell) { return cell.copying_since == machine.first_epoch(); }
inline bool is_written(const Cell& cell) {
  return cell.write.epoch >= machine.first_epoch() || cell.atomics.epoch >= machine.first_epoch();
}

// Throw the Fault that fits; `i` is the element's number in the array.
[[noreturn]] void fail_read(const Cell& cell, const char* name, int64_t i, const Place& place);
[[noreturn]] void fail_write(const Cell& cell, const char* name, int64_t i, const Place& place);
[[noreturn]] void fail_atomic(const Cell& cell, const char* name, int64_t i, const Place& place);

inline void touch_read(Cell* cells, size_t many, const char* name, int64_t i, const Place& place) {
  const Toucher now = toucher();
  for (size_t k = 0; k < many; k++) {
    Cell& cell = cells[k];
    if (is_copying(cell) || !is_written(cell) || cell.write.races_with(now) || cell.atomics.races_with(now)) {
      fail_read(cell, name, i + static_cast<int64_t>(k), place);
    }
    cell.reads.note(now);
  }
}

// Whether the element may be written: asked by plain writes, and by a cp.async when it is issued.
inline bool may_write(const Cell& cell, const Toucher& now) {
  return !is_copying(cell) && !cell.write.races_with(now) && !cell.reads.races_with(now) &&
         !cell.atomics.races_with(now);
}

inline void touch_write(Cell* cells, size_t many, const char* name, int64_t i, const Place& place) {
  const Toucher now = toucher();
  for (size_t k = 0; k < many; k++) {
    Cell& cell = cells[k];
    if (!may_write(cell, now)) fail_write(cell, name, i + static_cast<int64_t>(k), place);
    cell.write.replace(now, false);
  }
}

inline void touch_atomic(Cell& cell, const char* name, int64_t i, const Place& place) {
  const Toucher now = toucher();
  if (is_copying(cell) || !is_written(cell) || cell.write.races_with(now) || cell.reads.races_with(now))
    fail_atomic(cell, name, i, place);
  cell.atomics.note(now);
}

}  // namespace doppel::cuda::emulator
