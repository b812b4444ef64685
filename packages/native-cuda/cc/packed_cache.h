// Where the derived forms of one tensor are kept.
#pragma once
#include <vector>

#include "block_pool.h"

namespace doppel {

struct PackedCache {
  struct Entry {
    int kind;
    float* data;
    size_t bytes;
  };
  explicit PackedCache(BlockPool& pool) : pool(pool) {}
  PackedCache(const PackedCache&) = delete;
  PackedCache& operator=(const PackedCache&) = delete;
  ~PackedCache() { clear(); }
  void clear() {
    for (const Entry& e : entries) pool.give(e.data, e.bytes);
    entries.clear();
  }

  BlockPool& pool;
  std::vector<Entry> entries;
};

}  // namespace doppel
