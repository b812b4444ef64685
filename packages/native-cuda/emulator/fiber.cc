#include "fiber.h"

#include <sys/mman.h>

#include <cstdint>
#include <new>

namespace doppel::cuda::emulator {

namespace {
constexpr size_t page = 4096, stack_bytes = 128 * 1024;  // untouched pages cost nothing
}

#ifndef DOPPEL_FIBER_UCONTEXT
// void doppel_switch_stack(void** save, void* load): swapcontext without its two system calls. Keeps what the System V
// ABI says a callee keeps.
asm(R"(
.text
.hidden doppel_switch_stack
.globl doppel_switch_stack
.type doppel_switch_stack, @function
doppel_switch_stack:
  pushq %rbp
  pushq %rbx
  pushq %r12
  pushq %r13
  pushq %r14
  pushq %r15
  movq %rsp, (%rdi)
  movq %rsi, %rsp
  popq %r15
  popq %r14
  popq %r13
  popq %r12
  popq %rbx
  popq %rbp
  ret
.size doppel_switch_stack, .-doppel_switch_stack
)");
extern "C" void doppel_switch_stack(void** save, void* load);
#endif

Fiber::Fiber(size_t colour) {
  memory_ =
      mmap(nullptr, page + stack_bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (memory_ == MAP_FAILED) throw std::bad_alloc();
  // A kernel whose locals do not fit ends here instead of in its neighbour's stack.
  mprotect(memory_, page, PROT_NONE);
  top_ = static_cast<char*>(memory_) + page + stack_bytes - colour % 32 * 128;
}

Fiber::~Fiber() { munmap(memory_, page + stack_bytes); }

#ifdef DOPPEL_FIBER_UCONTEXT

void Fiber::start(void (*entry)()) {
  getcontext(&here_);
  here_.uc_stack.ss_sp = static_cast<char*>(memory_) + page;
  here_.uc_stack.ss_size = static_cast<size_t>(top_ - static_cast<char*>(here_.uc_stack.ss_sp));
  here_.uc_link = nullptr;
  makecontext(&here_, entry, 0);
}

void Fiber::resume() { swapcontext(&scheduler_, &here_); }
void Fiber::suspend() { swapcontext(&here_, &scheduler_); }

#else

void Fiber::start(void (*entry)()) {
  void** stack = reinterpret_cast<void**>(top_);
  *--stack = nullptr;  // where entry() would return to: it finds the stack aligned as after a call
  *--stack = reinterpret_cast<void*>(entry);
  for (int saved = 0; saved < 6; saved++) *--stack = nullptr;
  here_ = stack;
}

void Fiber::resume() { doppel_switch_stack(&scheduler_, here_); }
void Fiber::suspend() { doppel_switch_stack(&here_, scheduler_); }

#endif

}  // namespace doppel::cuda::emulator
