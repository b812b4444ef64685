// Memory of one device for one JS thread: what tensors and scratch space are taken from.
#pragma once
#include <cstddef>
#include <stdexcept>

namespace doppel {

class OutOfMemory : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

class BlockPool {
 public:
  BlockPool() = default;
  BlockPool(const BlockPool&) = delete;
  BlockPool& operator=(const BlockPool&) = delete;
  virtual ~BlockPool() = default;

  virtual void* take(size_t bytes) = 0;              // throws OutOfMemory
  virtual void give(void* block, size_t bytes) = 0;  // the same `bytes` as at take
  virtual void trim() = 0;                           // returns idle memory to the system

  size_t bytes_in_use() const { return in_use_; }
  size_t peak_bytes() const { return peak_; }           // the most that was ever in use
  size_t bytes_held() const { return held_; }           // in use and idle
  virtual size_t bytes_in_graphs() const { return 0; }  // of those in use: what captured steps keep
  // Whether the block is a graph's: each replay may write to it.
  virtual bool is_of_graph(const void*) const { return false; }

 protected:
  void lend(size_t bytes) {
    in_use_ += bytes;
    if (in_use_ > peak_) peak_ = in_use_;
  }

  size_t in_use_ = 0, held_ = 0, peak_ = 0;
};

}  // namespace doppel
