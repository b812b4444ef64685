// What a GPU would answer with a wrong number, a hang or nothing at all: a C++ exception that names the kernel, the
// block, the thread, the memory and the line.
#pragma once
#include <source_location>
#include <stdexcept>
#include <string>

namespace doppel::cuda {

enum class FaultKind {
  out_of_bounds,  // an index outside a view, or a view outside its buffer
  unwritten,      // a read of memory that nobody wrote
  freed,          // memory that was given back
  misaligned,     // a wide access that is not at a multiple of its size
  barrier,        // a barrier or warp-wide operation that not all of its threads reach
  race,           // two threads, the same bytes, no barrier between them
  async_copy,     // memory that a cp.async still writes
  operand,        // a value that an instruction does not take
  launch,         // a grid or block that no card runs
  order,          // a result that depends on the order of blocks
  capture,        // what a stream that is being captured does not take
};

const char* name_of(FaultKind kind);

class Fault : public std::runtime_error {
 public:
  Fault(FaultKind kind, const std::string& message) : std::runtime_error(message), kind(kind) {}
  const FaultKind kind;
};

namespace emulator {

using Place = std::source_location;

// "kernels/reduce.cu:41"
std::string text_of(const Place& place);

// Throws a Fault. While a kernel runs, its name, block and thread come first. `what` says action, found, expected and
// way out.
[[noreturn]] void fail(FaultKind kind, const std::string& what, const Place& place);

}  // namespace emulator
}  // namespace doppel::cuda
