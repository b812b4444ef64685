// Memory of one JS thread's tensors: aligned blocks in size classes, kept for the next tensor of the same class.
//
// A training step asks for the same sizes again and again; giving blocks back to the system would cost a page fault for
// each 4 KB. Not thread-safe: it belongs to one JS thread.
#pragma once
#include <cstddef>
#include <map>
#include <unordered_map>
#include <vector>

#include "../block_pool.h"

namespace doppel {

class MemoryPool : public BlockPool {
 public:
  // Bytes past a block's end that vector loads may read.
  static constexpr size_t slack = 256;

  ~MemoryPool() override;

  void* take(size_t bytes) override;  // aligned to 64 bytes
  void give(void* block, size_t bytes) override;
  void trim() override;

 private:
  void* reuse(size_t size);
  void make_room(size_t size);

  std::map<size_t, std::vector<void*>> idle_;  // by class size
  std::unordered_map<void*, size_t> lent_;     // blocks in use for a smaller class than their own
};

}  // namespace doppel
