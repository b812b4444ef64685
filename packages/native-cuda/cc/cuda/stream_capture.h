// Captures what is asked of a device's stream into a graph, for cards and the emulator alike. What changes from step to
// step lives on the device: a count of the replays, which Adam and the random numbers read and the graph's last kernel
// moves on.
#pragma once
#include "../capture.h"
#include "device_pool.h"
#include "runtime.cuh"

namespace doppel::cuda {

class StreamCapture : public Capture {
 public:
  // `allocations` is another stream than the device's.
  StreamCapture(DevicePool& pool, DeviceRuntime& runtime, Stream allocations)
      : pool_(pool), runtime_(runtime), allocations_(allocations) {}

  // Its memory always serves again: replays keep the order.
  void begin(uint64_t counters_a_step, bool reuses_memory) override;
  std::unique_ptr<Graph> end(const std::vector<Renewal>& state) override;
  void abandon() override;
  bool is_open() const override { return memory_ != nullptr; }
  size_t strays() const override { return memory_ ? memory_->strays() : 0; }

 private:
  void close();

  DevicePool& pool_;
  DeviceRuntime& runtime_;
  const Stream allocations_;
  GraphMemory* memory_ = nullptr;  // of the capture that is open
  int64_t* replays_ = nullptr;
};

}  // namespace doppel::cuda
