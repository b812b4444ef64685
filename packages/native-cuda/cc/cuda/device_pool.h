// Memory of one card for one JS thread, in the order of its stream: a block that is given back serves the next call that is
// enqueued, while kernels that use it are still to run.
#pragma once
#include "../block_pool.h"
#include "device.cuh"

namespace doppel::cuda {

class DevicePool : public BlockPool {
 public:
  explicit DevicePool(Stream stream) : stream_(stream) {}

  void* take(size_t bytes) override { return take_on(stream_, bytes); }
  // For work that is enqueued on another stream first; `give` it only when this pool's stream waits for that work.
  void* take_on(Stream stream, size_t bytes);
  void give(void* block, size_t bytes) override;
  void trim() override;

 private:
  Stream stream_;
};

}  // namespace doppel::cuda
