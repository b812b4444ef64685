// The memory of one graph: what is taken while a step is captured. It is nobody else's as long as the graph may run,
// since each replay writes to it; within the step a range that is given back serves the next that is taken, as replays
// keep the order.
#pragma once
#include <cstddef>
#include <map>
#include <vector>

#include "device.cuh"

namespace doppel::cuda {

class DevicePool;

class GraphMemory {
 public:
  // Segments are allocated on a stream that is not captured; `work` is the one that is.
  GraphMemory(DevicePool& pool, Stream allocations, Stream work)
      : pool_(pool), allocations_(allocations), work_(work) {}
  GraphMemory(const GraphMemory&) = delete;
  GraphMemory& operator=(const GraphMemory&) = delete;
  ~GraphMemory();

  void* take(size_t bytes);
  void give(void* block, size_t bytes);
  bool owns(const void* block) const;

  // A block of the pool that was given back while the step was captured: replays use it still.
  void adopt(void* block, size_t bytes) { strays_.push_back({static_cast<char*>(block), bytes}); }
  size_t strays() const { return strays_.size(); }

  size_t bytes() const { return bytes_; }  // of the segments
  Stream allocations() const { return allocations_; }

  // The graph is gone; the memory goes when its last block was given back.
  void retire() { retired_ = true; }
  bool is_over() const { return retired_ && lent_ == 0; }

 private:
  struct Range {
    char* data;
    size_t bytes;
  };
  using Idle = std::map<char*, size_t>;  // bytes by address; neighbours of one segment are merged

  Idle::iterator add_segment(size_t bytes);
  char* segment_of(const void* block) const;  // null where it is in none

  DevicePool& pool_;
  const Stream allocations_, work_;
  std::map<char*, size_t> segments_;
  Idle idle_;
  std::vector<Range> strays_;
  size_t bytes_ = 0;
  int lent_ = 0;
  bool retired_ = false;
};

}  // namespace doppel::cuda
