#include "buffers.h"

#include <stdexcept>
#include <string>

namespace doppel {

Buffers::~Buffers() {
  for (Block& block : blocks_) {
    block.packed.reset();
    if (block.data) pool_.give(block.data, block.bytes);
  }
}

int Buffers::adopt(void* data, size_t bytes) {
  Block block;
  block.data = data;
  block.bytes = bytes;
  if (free_.empty()) {
    blocks_.push_back(std::move(block));
    return static_cast<int>(blocks_.size()) - 1;
  }
  const int id = free_.back();
  free_.pop_back();
  blocks_[id] = std::move(block);
  return id;
}

Block& Buffers::at(int id) {
  if (id < 0 || id >= static_cast<int>(blocks_.size()) || !blocks_[id].data) {
    throw std::runtime_error("there is no buffer " + std::to_string(id) +
                             ": it was disposed, or belongs to another thread");
  }
  return blocks_[id];
}

std::shared_ptr<PackedCache> Buffers::packed_of(Block& block) {
  if (pool_.is_of_graph(block.data)) return nullptr;
  if (!block.packed) block.packed = std::make_shared<PackedCache>(pool_);
  return block.packed;
}

void Buffers::remove(int id) {
  Block& block = at(id);
  block.packed.reset();
  pool_.give(block.data, block.bytes);
  block = Block{};
  free_.push_back(id);
}

}  // namespace doppel
