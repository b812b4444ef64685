#include "stream.h"

#include <cstring>

#include "buffers.h"

namespace doppel::cuda {

using emulator::Place;

void begin_recording(Stream stream) {
  emulator::refuse_recording(stream, "begin_recording", Place::current());
  stream->recording = std::make_unique<Work>();
}

RecordedWork end_recording(Stream stream) {
  if (!stream->recording)
    emulator::fail(FaultKind::capture, "end_recording of a stream that is not being captured: begin_recording first.",
                   Place::current());
  return RecordedWork(std::move(stream->recording));
}

void drop_recording(Stream stream) noexcept { stream->recording.reset(); }

void note_taken(void* data, size_t bytes, Stream stream) {
  emulator::run_or_record(stream, [data, bytes] {
    std::memset(emulator::shadow_of(data, bytes, Place::current()).bytes, 0, bytes);
    std::memset(data, 0xff, bytes);  // a NaN to whoever gets round the checks
  });
}

void note_given(void* data, size_t bytes, Stream stream) {
  emulator::run_or_record(stream, [data, bytes] {
    std::memset(emulator::shadow_of(data, bytes, Place::current()).bytes, emulator::freed, bytes);
  });
}

}  // namespace doppel::cuda
