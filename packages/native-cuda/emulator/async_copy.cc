#include "async_copy.h"

namespace doppel::cuda::emulator {

void issue_copy(unsigned char* to, Cell* cells, unsigned count, const unsigned char* bytes, const char* name, int64_t i,
                const Place& place) {
  const Toucher now = toucher();
  for (unsigned k = 0; k < count; k++) {
    if (!may_write(cells[k], now)) fail_write(cells[k], name, i + k, place);
    cells[k].copying_since = machine.first_epoch();
    cells[k].copying_thread = machine.thread().rank;
  }
  AsyncCopy copy{to, cells, count, {}};
  std::memcpy(copy.bytes, bytes, sizeof copy.bytes);
  machine.thread().open.push_back(copy);
}

void commit_copies() {
  Thread& thread = machine.thread();
  thread.groups.push_back(std::move(thread.open));
  thread.open.clear();
}

namespace {

void land(const AsyncCopy& copy) {
  std::memcpy(copy.destination, copy.bytes, sizeof copy.bytes);
  for (unsigned k = 0; k < copy.count; k++) {
    copy.cells[k].copying_since = 0;
    copy.cells[k].write.replace(toucher(), true);
  }
}

}  // namespace

void wait_for_copies(unsigned still_under_way) {
  auto& groups = machine.thread().groups;
  while (groups.size() > still_under_way) {
    for (const AsyncCopy& copy : groups.front()) land(copy);
    groups.erase(groups.begin());
  }
}

}  // namespace doppel::cuda::emulator
