#include "memory_pool.h"

#include <cstdint>
#include <cstdlib>
#include <new>
#include <string>
#if defined(__linux__)
#include <sys/mman.h>
#endif

namespace doppel {

namespace {

constexpr size_t huge = size_t{2} << 20;

// Eight classes an octave: at most an eighth is wasted.
size_t class_of(size_t bytes) {
  bytes += MemoryPool::slack;
  if (bytes <= 1024) return (bytes + 255) / 256 * 256;
  const int octave = 63 - __builtin_clzll(bytes - 1);
  const size_t step = size_t{1} << (octave - 3);
  return (bytes + step - 1) / step * step;
}

size_t alignment_of(size_t size) { return size >= huge ? huge : 64; }

}  // namespace

void* MemoryPool::take(size_t bytes) {
  const size_t size = class_of(bytes);
  auto& idle = idle_[size];
  if (!idle.empty()) {
    void* block = idle.back();
    idle.pop_back();
    in_use_ += size;
    return block;
  }
  // Sizes have changed (another resolution, another batch): idle blocks of the old ones are of no more use.
  if (held_ - in_use_ > (size_t{256} << 20) && held_ - in_use_ > in_use_) trim();
  void* block = ::operator new(size, std::align_val_t{alignment_of(size)}, std::nothrow);
  if (!block) {
    trim();
    block = ::operator new(size, std::align_val_t{alignment_of(size)}, std::nothrow);
  }
  if (!block) {
    throw OutOfMemory("out of memory: " + std::to_string(bytes) + " bytes asked for, " + std::to_string(in_use_) + " bytes in use");
  }
#if defined(__linux__)
  if (size >= huge) madvise(block, size / huge * huge, MADV_HUGEPAGE);
#endif
  in_use_ += size;
  held_ += size;
  return block;
}

void MemoryPool::give(void* block, size_t bytes) {
  if (!block) return;
  const size_t size = class_of(bytes);
  idle_[size].push_back(block);
  in_use_ -= size;
}

void MemoryPool::trim() {
  for (auto& [size, blocks] : idle_) {
    for (void* block : blocks) ::operator delete(block, std::align_val_t{alignment_of(size)});
    held_ -= size * blocks.size();
    blocks.clear();
  }
}

MemoryPool::~MemoryPool() { trim(); }

}  // namespace doppel
