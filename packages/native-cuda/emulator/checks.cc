// The texts of what went wrong with an access.
#include "views.h"

namespace doppel::cuda::emulator {

namespace {

std::string text_of(const Span& span) {
  if (span.name) return std::string("shared ") + span.name;
  return "a view of global memory" +
         (span.start ? " that starts at " + emulator::text_of(span.start) : std::string(" that is empty"));
}

std::string element_text(const char* name, int64_t i) { return std::string(name) + "[" + std::to_string(i) + "]"; }

std::string thread_text(unsigned rank) {
  const uint3 at = {rank % blockDim.x, rank / blockDim.x % blockDim.y, rank / blockDim.x / blockDim.y};
  return "thread (" + std::to_string(at.x) + ", " + std::to_string(at.y) + ", " + std::to_string(at.z) + ")";
}

// "thread (3, 0, 0) wrote it" if that access is not ordered before the present one.
std::string rival_text(const Accesses& accesses, const char* did) {
  const Toucher now = toucher();
  if (!accesses.races_with(now)) return "";
  uint32_t lanes = accesses.lanes;
  if (accesses.warp == now.warp.index) lanes &= ~(1u << now.lane);
  return thread_text(accesses.warp * warp_size + static_cast<unsigned>(__builtin_ctz(lanes))) + " " +
         (accesses.asynchronous ? "had it written by a cp.async" : std::string(did) + " it");
}

[[noreturn]] void fail_race(const Cell& cell, const char* action, const char* name, int64_t i, const Place& place) {
  std::string rival = rival_text(cell.write, "wrote");
  if (rival.empty()) rival = rival_text(cell.atomics, "updated");
  if (rival.empty()) rival = rival_text(cell.reads, "read");
  const std::string way_out = cell.write.asynchronous
                                  ? "The thread that issued the copy waits for it (cp_async_wait), "
                                    "then all pass __syncthreads."
                                  : "Expected __syncthreads between the two, or __syncwarp within a warp.";
  fail(FaultKind::race,
       std::string(action) + " of shared " + element_text(name, i) + ": since the last barrier " + rival + ". " +
           way_out,
       place);
}

[[noreturn]] void fail_copying(const Cell& cell, const char* action, const char* name, int64_t i, const Place& place) {
  fail(FaultKind::async_copy,
       std::string(action) + " of shared " + element_text(name, i) + ": the cp.async of thread " +
           std::to_string(cell.copying_thread) +
           " of the block into it is still under way. Expected its cp_async_commit, "
           "cp_async_wait and a barrier before.",
       place);
}

}  // namespace

void fail_read(const Cell& cell, const char* name, int64_t i, const Place& place) {
  if (is_copying(cell)) fail_copying(cell, "read", name, i, place);
  if (!is_written(cell))
    fail(FaultKind::unwritten,
         "read of shared " + element_text(name, i) +
             ": "
             "no thread of this block has written it yet. Shared memory begins with arbitrary contents: fill it, "
             "then let all threads pass __syncthreads.",
         place);
  fail_race(cell, "read", name, i, place);
}

void fail_write(const Cell& cell, const char* name, int64_t i, const Place& place) {
  if (is_copying(cell)) fail_copying(cell, "write", name, i, place);
  fail_race(cell, "write", name, i, place);
}

void fail_atomic(const Cell& cell, const char* name, int64_t i, const Place& place) {
  if (is_copying(cell)) fail_copying(cell, "atomic update", name, i, place);
  if (!is_written(cell))
    fail(FaultKind::unwritten,
         "atomic update of shared " + element_text(name, i) +
             ": "
             "no thread of this block has written it yet. Set it first, then pass __syncthreads.",
         place);
  fail_race(cell, "atomic update", name, i, place);
}

bool is_before(const Writer& writer) {
  if (writer.epoch < machine.first_epoch()) return machine.is_handed_on(writer.epoch);
  if (writer.epoch < machine.epoch()) return true;
  const Warp& warp = machine.warp();
  if (writer.rank / warp_size != warp.index) return false;
  return writer.time < warp.all_known_before ||
         writer.time < warp.known_before[machine.thread().lane][writer.rank % warp_size];
}

void fail_global_race(const Writer& writer, const char* action, const void* data, const Place& place) {
  const std::string did = writer.atomic ? " updated" : " wrote";
  const std::string what = std::string(action) + " of " + text_of(data) + ": ";
  if (writer.epoch >= machine.first_epoch()) {
    fail(FaultKind::race,
         what + "since the last barrier " + thread_text(writer.rank) + did +
             " it. "
             "Expected __syncthreads between the two, or __syncwarp within a warp.",
         place);
  }
  fail(FaultKind::race,
       what + "another block of this launch" + did +
           " it, and blocks run in any order. Use two launches; "
           "or the writer calls __threadfence and then an atomic, and who uses it an atomic that tells it that all "
           "have.",
       place);
}

void fail_index(const char* action, const Span& span, int64_t i, int64_t many, const Place& place) {
  const std::string range = many == 1 ? "element " + std::to_string(i)
                                      : "elements " + std::to_string(i) + " to " + std::to_string(i + many - 1);
  fail(FaultKind::out_of_bounds,
       std::string(action) + " of " + range + " of " + text_of(span) + ": expected an index from 0 to " +
           std::to_string(span.count - 1) + ". Guard the access by the tensor's size.",
       place);
}

void fail_alignment(const Span& span, int64_t i, size_t bytes, const Place& place) {
  fail(FaultKind::misaligned,
       "access to the " + std::to_string(bytes) + " bytes at element " + std::to_string(i) + " of " + text_of(span) +
           ": expected an address that is a multiple of " + std::to_string(bytes) +
           ". Go element by element where rows are not a multiple.",
       place);
}

void fail_shadow(const void* data, const uint8_t* shadow, size_t bytes, const Place& place) {
  size_t at = 0;
  while (at + 1 < bytes && shadow[at] == written) at++;
  const std::string where = text_of(static_cast<const char*>(data) + at);
  if (shadow[at] & freed)
    fail(FaultKind::freed, "access to " + where + ": it was given back. Free it after the last launch that uses it.",
         place);
  fail(FaultKind::unwritten,
       "read of " + where + ": nobody wrote it. Fill the buffer, or do not read what is outside the tensor.", place);
}

}  // namespace doppel::cuda::emulator
