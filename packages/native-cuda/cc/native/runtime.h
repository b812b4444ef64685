// What a native kernel may use besides its params: threads and scratch memory. Defined in runtime.cc, compiled once:
// the kernels' files, compiled for each instruction set, must not bring inline functions that the linker could mix up.
#pragma once
#include <cstddef>

#include "../runtime.h"

namespace doppel {

struct PackedCache;
using Task = void (*)(void* context, int task, int thread);

// Of one op, or one replay. At most as many threads work for it as the pool had at its start: memory that it took by
// their number is enough, even when another JS thread changes the pool meanwhile.
class NativeRuntime : public Runtime {
 public:
  explicit NativeRuntime(const Runtime& of_device);
  int threads() const;
  // Calls f(context, task, thread) for each task below `tasks`, on all threads; returns when all are done.
  void run(int tasks, Task f, void* context);

 private:
  const int threads_;
};

// A block of floats that returns to the pool at the end of the scope.
class Scratch {
 public:
  Scratch(Runtime& runtime, size_t floats);
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;
  ~Scratch();
  float* data() const;

 private:
  BlockPool& pool_;
  size_t bytes_;
  float* data_;
};

// Forms of a filter that kernels derived from it (packed, transformed), kept as long as its tensor lives.
struct PackedForm {
  float* data;
  bool fresh;  // must be filled
};

PackedForm packed_form(PackedCache& cache, int kind, size_t floats);

}  // namespace doppel
