// The buffers of one JS thread on one device, by number.
#pragma once
#include <memory>
#include <vector>

#include "../block_pool.h"
#include "../packed_cache.h"

namespace doppel {

// One tensor's memory.
struct Block {
  void* data = nullptr;
  size_t bytes = 0;
  std::shared_ptr<PackedCache> packed;
};

class Buffers {
 public:
  explicit Buffers(BlockPool& pool) : pool_(pool) {}
  ~Buffers();
  int add(size_t bytes) { return adopt(pool_.take(bytes), bytes); }
  int adopt(void* data, size_t bytes);  // of the same pool
  void remove(int id);
  Block& at(int id);                     // throws where there is no such buffer
  // What kernels derive from it; null where replays change its values.
  std::shared_ptr<PackedCache> packed_of(Block& block);
  int count() const { return static_cast<int>(blocks_.size() - free_.size()); }

 private:
  BlockPool& pool_;
  std::vector<Block> blocks_;
  std::vector<int> free_;
};

}  // namespace doppel
