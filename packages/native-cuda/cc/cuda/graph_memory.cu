#include "graph_memory.h"

#include <algorithm>

#include "device_pool.h"

namespace doppel::cuda {

namespace {

constexpr size_t unit = 512, least_segment = size_t{8} << 20;

size_t rounded(size_t bytes) { return (std::max(bytes, size_t{1}) + unit - 1) / unit * unit; }

}  // namespace

GraphMemory::~GraphMemory() {
  for (const auto& [data, bytes] : segments_) pool_.give(data, bytes);
  for (const Range& stray : strays_) pool_.give(stray.data, stray.bytes);
}

GraphMemory::Idle::iterator GraphMemory::add_segment(size_t bytes) {
  const size_t size = std::max(bytes, least_segment);
  char* data = static_cast<char*>(pool_.take_on(allocations_, size));
  segments_[data] = size;
  bytes_ += size;
  return idle_.emplace(data, size).first;
}

// The smallest range that is large enough; its rest stays idle.
void* GraphMemory::take(size_t bytes) {
  const size_t size = rounded(bytes);
  auto best = idle_.end();
  for (auto each = idle_.begin(); each != idle_.end(); ++each) {
    if (each->second >= size && (best == idle_.end() || each->second < best->second)) best = each;
  }
  if (best == idle_.end()) best = add_segment(size);
  const auto [data, available] = *best;
  idle_.erase(best);
  if (available > size) idle_.emplace(data + size, available - size);
  lent_++;
  note_taken(data, size, work_);
  return data;
}

void GraphMemory::give(void* block, size_t bytes) {
  char* data = static_cast<char*>(block);
  size_t size = rounded(bytes);
  note_given(data, size, work_);
  lent_--;
  const auto after = idle_.lower_bound(data);
  if (after != idle_.end() && after->first == data + size && segment_of(after->first) == segment_of(data)) {
    size += after->second;
    idle_.erase(after);
  }
  const auto next = idle_.lower_bound(data);
  if (next != idle_.begin()) {
    const auto before = std::prev(next);
    if (before->first + before->second == data && segment_of(before->first) == segment_of(data)) {
      before->second += size;
      return;
    }
  }
  idle_.emplace(data, size);
}

bool GraphMemory::owns(const void* block) const { return segment_of(block) != nullptr; }

char* GraphMemory::segment_of(const void* block) const {
  char* data = static_cast<char*>(const_cast<void*>(block));
  const auto after = segments_.upper_bound(data);
  if (after == segments_.begin()) return nullptr;
  const auto& [start, bytes] = *std::prev(after);
  return data < start + bytes ? start : nullptr;
}

}  // namespace doppel::cuda
