// One device as one JS thread sees it: its memory, its table of ops, and copies between it and JavaScript's arrays.
#pragma once
#include <memory>
#include <stdexcept>
#include <string>

#include "block_pool.h"
#include "capture.h"
#include "collective.h"
#include "ops.h"
#include "runtime.h"

namespace doppel {

// Nothing that was asked of the device can be relied on any more, and nothing more may be asked.
class DeviceLost : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

// A copy to the host that is under way. `finish` may be called on any thread, once: it waits, and the array is filled
// then.
class Reading {
 public:
  virtual ~Reading() = default;
  virtual void finish() = 0;
};

class Device {
 public:
  virtual ~Device() = default;
  virtual std::string name() const = 0;  // for people
  virtual BlockPool& pool() = 0;
  virtual Runtime& runtime() = 0;
  virtual const Ops& ops() const = 0;
  virtual bool is_host() const = 0;  // its memory is the process's own

  virtual void upload(void* to, const void* from, size_t bytes) = 0;
  // A block of the pool with these bytes: a device may copy them while it still computes what was asked before.
  virtual void* take_filled(const void* from, size_t bytes) {
    void* block = pool().take(bytes);
    upload(block, from, bytes);
    return block;
  }

  virtual void download(void* to, const void* from, size_t bytes) = 0;
  // Enqueues the copy. Null where it is done already.
  virtual std::unique_ptr<Reading> read(void* to, const void* from, size_t bytes) = 0;

  // Null where the device has no graphs.
  virtual Capture* capture() { return nullptr; }
  // While a capture is open, of a device that does not record by itself what its ops ask of it; null otherwise.
  virtual Recorder* recorder() { return nullptr; }

  // Bytes by which the devices of several processes find each other; one process makes them for all.
  virtual std::string meeting_point() { throw std::runtime_error("the device " + name() + " has no collectives"); }
  // Waits until all have joined.
  virtual std::unique_ptr<Collective> join(const std::string&, int /*rank*/, int /*size*/) {
    throw std::runtime_error("the device " + name() + " has no collectives");
  }
};

}  // namespace doppel
