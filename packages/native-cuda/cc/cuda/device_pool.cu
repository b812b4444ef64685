#include "device_pool.h"

#include <string>
#include <utility>

#include "../device.h"

namespace doppel::cuda {

// A capture may be open still. Its memory comes back to a pool that has no graphs any more.
DevicePool::~DevicePool() {
  recorded_ = nullptr;
  const auto graphs = std::move(graphs_);
}

// CUDA's own pool keeps what is given back, as opening the card tells it to: nothing is kept here.
void* DevicePool::take_on(Stream stream, size_t bytes) {
  const size_t size = bytes > 0 ? bytes : 1;  // an empty tensor has an address, too
  void* block = try_device_malloc(size, stream);
  if (!block) {
    trim();
    block = try_device_malloc(size, stream);
  }
  if (!block) {
    const DeviceSpace space = device_space();
    throw OutOfMemory("out of memory on the card: " + std::to_string(bytes) + " bytes asked for, " +
                      std::to_string(space.free) + " of " + std::to_string(space.total) + " free, " +
                      std::to_string(in_use_) + " in use by tensors");
  }
  lend(bytes);
  held_ = in_use_;
  return block;
}

void DevicePool::give(void* block, size_t bytes) {
  for (const auto& memory : graphs_) {
    if (!memory->owns(block)) continue;
    memory->give(block, bytes);
    return drop_retired();
  }
  if (recorded_) return recorded_->adopt(block, bytes);
  try {
    device_free(block, stream_);
  } catch (const DeviceLost&) {
    // Its memory is gone with it; the next call that can fail says so.
  }
  in_use_ -= bytes;
  held_ = in_use_;
}

// While its stream is captured nothing may wait for it; all that was freed before is over then.
void DevicePool::trim() { release_idle_memory(recorded_ ? recorded_->allocations() : stream_); }

size_t DevicePool::bytes_in_graphs() const {
  size_t bytes = 0;
  for (const auto& memory : graphs_) bytes += memory->bytes();
  return bytes;
}

GraphMemory& DevicePool::begin_graph(Stream allocations) {
  graphs_.push_back(std::make_unique<GraphMemory>(*this, allocations, stream_));
  recorded_ = graphs_.back().get();
  return *recorded_;
}

void DevicePool::retire(GraphMemory& memory) {
  memory.retire();
  drop_retired();
}

// Taken out of the list first: a segment that goes back must not be taken for a block of its graph.
void DevicePool::drop_retired() {
  std::vector<std::unique_ptr<GraphMemory>> over;
  for (auto each = graphs_.begin(); each != graphs_.end();) {
    if ((*each)->is_over()) {
      over.push_back(std::move(*each));
      each = graphs_.erase(each);
    } else {
      ++each;
    }
  }
}

}  // namespace doppel::cuda
