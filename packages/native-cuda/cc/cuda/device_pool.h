// Memory of one card for one JS thread, in the order of its stream: a block that is given back serves the next call
// that is enqueued, while kernels that use it are still to run. While a step is captured, blocks come from the graph's
// own memory.
#pragma once
#include <memory>
#include <vector>

#include "../block_pool.h"
#include "device.cuh"
#include "graph_memory.h"

namespace doppel::cuda {

class DevicePool : public BlockPool {
 public:
  explicit DevicePool(Stream stream) : stream_(stream) {}
  ~DevicePool() override;

  void* take(size_t bytes) override { return recorded_ ? recorded_->take(bytes) : take_on(stream_, bytes); }
  // For work that is enqueued on another stream first; `give` it only when this pool's stream waits for that work.
  void* take_on(Stream stream, size_t bytes);
  void give(void* block, size_t bytes) override;
  void trim() override;
  size_t bytes_in_graphs() const override;

  // From now on blocks come from a new graph's memory, until `end_graph`. Segments of it are allocated on the given
  // stream.
  GraphMemory& begin_graph(Stream allocations);
  void end_graph() { recorded_ = nullptr; }
  // The graph is gone.
  void retire(GraphMemory& memory);

 private:
  void drop_retired();

  Stream stream_;
  std::vector<std::unique_ptr<GraphMemory>> graphs_;
  GraphMemory* recorded_ = nullptr;  // one of them
};

}  // namespace doppel::cuda
