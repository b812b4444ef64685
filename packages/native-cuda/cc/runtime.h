// What an op is given besides its params: memory of its device's pool. Each device has a kind of its own, with what its
// kernels need besides, and gives it to its own ops only.
#pragma once
#include "block_pool.h"

namespace doppel {

class Runtime {
 public:
  explicit Runtime(BlockPool& pool) : pool_(pool) {}
  BlockPool& pool() const { return pool_; }

 private:
  BlockPool& pool_;
};

}  // namespace doppel
