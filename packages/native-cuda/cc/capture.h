// Work of a device that is recorded once and then run as a whole, as often as wanted: a CUDA graph, or a list of ops.
#pragma once
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

namespace doppel {

// What was captured. It keeps the memory that its work uses until it is destroyed.
class Graph {
 public:
  virtual ~Graph() = default;
  virtual void replay() = 0;  // enqueues it
};

// Of the state that a step changes: where the step left the new values, and where the next one reads them.
struct Renewal {
  const void* from;
  void* to;
  size_t bytes;  // a multiple of 4
};

// Between `begin` and `end` all that is asked of the device is recorded and nothing runs.
class Capture {
 public:
  virtual ~Capture() = default;
  // Counters of random numbers are moved on by `counters_a_step` at each replay, and Adam's step by one; with 0 nothing
  // moves. With `reuses_memory` blocks that are given back meanwhile serve again, which takes less memory and leaves
  // less that can run side by side; without it no two ops share one.
  virtual void begin(uint64_t counters_a_step, bool reuses_memory) = 0;
  // Throws where the work cannot be made a graph; `abandon` then.
  virtual std::unique_ptr<Graph> end(const std::vector<Renewal>& state) = 0;
  virtual void abandon() = 0;
  virtual bool is_open() const = 0;
  // Blocks of before the capture that were given back meanwhile: the work reads them, and nobody will write to them any
  // more.
  virtual size_t strays() const = 0;
};

class Runtime;

// Blocks that an op reads and writes.
struct Touched {
  std::vector<const void*> reads, writes;
  size_t bytes = 0;  // of all of them
};

// How far the replays have come: what random numbers and Adam move on by.
struct Progress {
  int64_t replays;  // before this one
  uint64_t counters_a_step;
};

// An op with its params.
struct RecordedOp {
  std::function<void(Runtime&, const Progress&)> run;
  Touched touched;
};

// What takes the place of running an op while a capture is open.
class Recorder {
 public:
  virtual ~Recorder() = default;
  virtual void record(RecordedOp op) = 0;
};

}  // namespace doppel
