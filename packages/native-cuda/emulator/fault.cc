#include "fault.h"

#include <cstring>

#include "machine.h"

namespace doppel::cuda {

const char* name_of(FaultKind kind) {
  switch (kind) {
    case FaultKind::out_of_bounds: return "out of bounds";
    case FaultKind::unwritten: return "unwritten memory";
    case FaultKind::freed: return "freed memory";
    case FaultKind::misaligned: return "misaligned access";
    case FaultKind::barrier: return "barrier";
    case FaultKind::race: return "race";
    case FaultKind::async_copy: return "asynchronous copy";
    case FaultKind::operand: return "operand";
    case FaultKind::launch: return "launch";
    case FaultKind::order: return "order of blocks";
    case FaultKind::capture: return "capture";
  }
  return "?";
}

namespace emulator {

std::string text_of(const Place& place) {
  const char* file = place.file_name();
  const char* slash = std::strrchr(file, '/');
  return std::string(slash ? slash + 1 : file) + ":" + std::to_string(place.line());
}

void fail(FaultKind kind, const std::string& what, const Place& place) {
  const std::string spot = machine.running() ? machine.spot() + ": " : "";
  throw Fault(kind, std::string(name_of(kind)) + ": " + spot + what + " [" + text_of(place) + "]");
}

}  // namespace emulator
}  // namespace doppel::cuda
