// A stream: work on it is done when its call returns, or recorded while it is captured. As on a card, what needs an
// answer or takes memory is refused then.
#pragma once
#include <functional>
#include <memory>
#include <vector>

#include "fault.h"

namespace doppel::cuda {

using Work = std::vector<std::function<void()>>;

struct EmulatedStream {
  std::unique_ptr<Work> recording;  // null: nothing is captured
};
using Stream = EmulatedStream*;

// What was recorded, in its order; each launch runs as it would by itself, with all that is checked.
class RecordedWork {
 public:
  explicit RecordedWork(std::unique_ptr<Work> work) : work_(std::move(work)) {}
  void replay(Stream) const {
    for (const auto& each : *work_) each();
  }

 private:
  std::unique_ptr<Work> work_;
};

void begin_recording(Stream stream);
RecordedWork end_recording(Stream stream);
void drop_recording(Stream stream) noexcept;

// What is asked of `later` from now on waits for what was asked of `earlier`.
inline void hold_back(Stream, Stream) {}

// A block within a larger one is handed out, with nobody's contents, or is given back: for who checks each access.
void note_taken(void* data, size_t bytes, Stream stream);
void note_given(void* data, size_t bytes, Stream stream);

namespace emulator {

template <class F> void run_or_record(Stream stream, F f) {
  if (stream && stream->recording) stream->recording->push_back(std::move(f));
  else f();
}

// Of what cannot be part of a graph.
inline void refuse_recording(Stream stream, const char* what, const Place& place) {
  if (!stream || !stream->recording) return;
  fail(FaultKind::capture,
       std::string(what) +
           " on a stream that is being captured: nothing runs before the replay. Do it before the capture or after.",
       place);
}

}  // namespace emulator
}  // namespace doppel::cuda
