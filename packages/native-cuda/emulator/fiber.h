// A stack of its own for every thread of a block, and the step from one to the other: so a kernel's thread can stop
// within a barrier and go on later, without the kernel knowing.
#pragma once
#include <cstddef>
#include <memory>

#if !(defined(__x86_64__) && defined(__linux__)) || defined(DOPPEL_EMULATOR_UCONTEXT)
#define DOPPEL_FIBER_UCONTEXT
#include <ucontext.h>
#endif

namespace doppel::cuda::emulator {

class Fiber {
 public:
  // `colour` sets the tops of stacks apart, or all would share the same few lines of the cache.
  explicit Fiber(size_t colour);
  ~Fiber();
  Fiber(const Fiber&) = delete;
  Fiber& operator=(const Fiber&) = delete;

  // The next resume() begins with entry(), which must not return: it ends in a last suspend().
  void start(void (*entry)());
  // Goes on with the fiber until it suspends. From the scheduler only.
  void resume();
  // Goes back to the scheduler. From this fiber only.
  void suspend();

 private:
  void* memory_;  // guard page, stack
  char* top_;
#ifdef DOPPEL_FIBER_UCONTEXT
  ucontext_t here_{}, scheduler_{};
#else
  void* here_ = nullptr;
  void* scheduler_ = nullptr;
#endif
};

}  // namespace doppel::cuda::emulator
