// Work of a device that is recorded once and then run as a whole, as often as wanted: a CUDA graph.
#pragma once
#include <cstddef>
#include <cstdint>
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
  // Counters of random numbers are moved on by `counters_a_step` at each replay, Adam's step by one.
  virtual void begin(uint64_t counters_a_step) = 0;
  // Throws where the work cannot be made a graph; `abandon` then.
  virtual std::unique_ptr<Graph> end(const std::vector<Renewal>& state) = 0;
  virtual void abandon() = 0;
  virtual bool is_open() const = 0;
  // Blocks of before the capture that were given back meanwhile: the work reads them, and nobody will write to them any
  // more.
  virtual size_t strays() const = 0;
};

}  // namespace doppel
