#include "stream_capture.h"

#include <stdexcept>

#include "kernels/end_of_step.h"

namespace doppel::cuda {

namespace {

class StreamGraph : public Graph {
 public:
  StreamGraph(DevicePool& pool, GraphMemory& memory, int64_t* replays, RecordedWork work, Stream stream)
      : pool_(pool), memory_(memory), replays_(replays), work_(std::move(work)), stream_(stream) {}
  ~StreamGraph() override {
    pool_.give(replays_, sizeof *replays_);
    pool_.retire(memory_);
  }
  void replay() override { work_.replay(stream_); }

 private:
  DevicePool& pool_;
  GraphMemory& memory_;
  int64_t* replays_;
  RecordedWork work_;
  const Stream stream_;
};

}  // namespace

void StreamCapture::begin(uint64_t counters_a_step, bool /*reuses_memory*/) {
  if (is_open()) throw std::runtime_error("a capture is open already: end it first");
  const Stream stream = runtime_.stream;
  replays_ = static_cast<int64_t*>(pool_.take(sizeof *replays_));
  fill_bytes(replays_, 0, sizeof *replays_, stream);
  synchronize(stream);  // so that what was freed before may be allocated on the other stream
  memory_ = &pool_.begin_graph(allocations_);
  try {
    begin_recording(stream);
  } catch (...) {
    close();
    throw;
  }
  runtime_.replays = Replays{Global<const int64_t>(replays_, 1), counters_a_step};
}

std::unique_ptr<Graph> StreamCapture::end(const std::vector<Renewal>& state) {
  if (!is_open()) throw std::runtime_error("no capture is open");
  renew(state, runtime_);
  count_replay(replays_, runtime_);
  RecordedWork work = end_recording(runtime_.stream);
  hold_back(runtime_.stream, allocations_);
  auto graph = std::make_unique<StreamGraph>(pool_, *memory_, replays_, std::move(work), runtime_.stream);
  memory_ = nullptr, replays_ = nullptr;
  close();
  return graph;
}

void StreamCapture::abandon() {
  if (!is_open()) return;
  drop_recording(runtime_.stream);
  hold_back(runtime_.stream, allocations_);
  close();
}

// What is left goes back: nothing after the capture's end, all of it where it fails.
void StreamCapture::close() {
  runtime_.replays = {};
  pool_.end_graph();
  if (replays_) pool_.give(replays_, sizeof *replays_);
  if (memory_) pool_.retire(*memory_);
  memory_ = nullptr, replays_ = nullptr;
}

}  // namespace doppel::cuda
