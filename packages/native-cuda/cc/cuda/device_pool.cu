#include "device_pool.h"

#include <string>

#include "../device.h"

namespace doppel::cuda {

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
    throw OutOfMemory("out of memory on the card: " + std::to_string(bytes) + " bytes asked for, " + std::to_string(space.free) + " of " +
                      std::to_string(space.total) + " free, " + std::to_string(in_use_) + " in use by tensors");
  }
  lend(bytes);
  held_ = in_use_;
  return block;
}

void DevicePool::give(void* block, size_t bytes) {
  try {
    device_free(block, stream_);
  } catch (const DeviceLost&) {
    // Its memory is gone with it; the next call that can fail says so.
  }
  in_use_ -= bytes;
  held_ = in_use_;
}

void DevicePool::trim() { release_idle_memory(stream_); }

}  // namespace doppel::cuda
