// Memory of one JS thread's tensors: aligned blocks in size classes, kept for the next tensor of the same class.
//
// A training step asks for the same sizes again and again; giving blocks back to the system would cost a page fault for
// each 4 KB. Not thread-safe: it belongs to one JS thread.
#pragma once
#include <cstddef>
#include <map>
#include <stdexcept>
#include <unordered_map>
#include <vector>

namespace doppel {

class OutOfMemory : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

class MemoryPool {
 public:
  // Bytes past a block's end that vector loads may read.
  static constexpr size_t slack = 256;

  MemoryPool() = default;
  MemoryPool(const MemoryPool&) = delete;
  MemoryPool& operator=(const MemoryPool&) = delete;
  ~MemoryPool();

  void* take(size_t bytes);           // aligned to 64 bytes; throws OutOfMemory
  void give(void* block, size_t bytes);  // the same `bytes` as at take
  void trim();                        // returns the idle blocks to the system

  size_t bytes_in_use() const { return in_use_; }
  size_t peak_bytes() const { return peak_; }  // the most that was ever in use
  size_t bytes_held() const { return held_; }  // in use and idle

 private:
  void* reuse(size_t size);
  void make_room(size_t size);

  std::map<size_t, std::vector<void*>> idle_;  // by class size
  std::unordered_map<void*, size_t> lent_;     // blocks in use for a smaller class than their own
  size_t in_use_ = 0, held_ = 0, peak_ = 0;
};

}  // namespace doppel
