// Sums of a buffer over the processes of a run, each with a device of its own, without a way through the host.
#pragma once
#include <cstdint>

namespace doppel {

class Collective {
 public:
  virtual ~Collective() = default;
  // Replaces the values by their sums over the processes, added in the order of ranks. Enqueued, as an op is.
  virtual void all_reduce(float* values, int64_t count) = 0;
};

}  // namespace doppel
