// Capture of a stream into a CUDA graph; the emulator's stream.h has the same names.
#pragma once
#include <utility>

#include "check.h"

namespace doppel::cuda {

using Stream = cudaStream_t;

class RecordedWork {
 public:
  explicit RecordedWork(cudaGraphExec_t graph) : graph_(graph) {}
  RecordedWork(RecordedWork&& other) noexcept : graph_(std::exchange(other.graph_, nullptr)) {}
  RecordedWork& operator=(RecordedWork&&) = delete;
  // A run that is under way goes on to its end.
  ~RecordedWork() {
    if (graph_) cudaGraphExecDestroy(graph_);
  }
  void replay(Stream stream) const { DOPPEL_CUDA(cudaGraphLaunch(graph_, stream)); }

 private:
  cudaGraphExec_t graph_;
};

// Relaxed: memory is allocated on another stream meanwhile.
inline void begin_recording(Stream stream) {
  DOPPEL_CUDA(cudaStreamBeginCapture(stream, cudaStreamCaptureModeRelaxed));
}

inline RecordedWork end_recording(Stream stream) {
  cudaGraph_t graph{};
  cudaGraphExec_t exec{};
  DOPPEL_CUDA(cudaStreamEndCapture(stream, &graph));
  const cudaError_t code = cudaGraphInstantiate(&exec, graph, 0);
  cudaGraphDestroy(graph);
  check(code, {"cudaGraphInstantiate(&exec, graph, 0)", __FILE__, __LINE__});
  return RecordedWork(exec);
}

// Also where the capture has become invalid.
inline void drop_recording(Stream stream) noexcept {
  cudaGraph_t graph{};
  cudaStreamEndCapture(stream, &graph);
  if (graph) cudaGraphDestroy(graph);
  cudaGetLastError();
}

// What is asked of `later` from now on waits for what was asked of `earlier`.
inline void hold_back(Stream later, Stream earlier) {
  cudaEvent_t event{};
  DOPPEL_CUDA(cudaEventCreateWithFlags(&event, cudaEventDisableTiming));
  const cudaError_t recorded = cudaEventRecord(event, earlier);
  const cudaError_t waits = recorded == cudaSuccess ? cudaStreamWaitEvent(later, event) : recorded;
  cudaEventDestroy(event);  // once it is over
  check(waits, {"cudaStreamWaitEvent(later, event)", __FILE__, __LINE__});
}

// Only who checks each access wants to know which part of a block is in use.
inline void note_taken(void*, size_t, Stream) {}
inline void note_given(void*, size_t, Stream) {}

}  // namespace doppel::cuda
