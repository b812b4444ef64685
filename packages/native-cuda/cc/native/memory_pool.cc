#include "memory_pool.h"

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <new>
#include <string>
#if defined(__linux__)
#include <sys/mman.h>
#endif

namespace doppel {

namespace {

constexpr size_t huge = size_t{2} << 20;
constexpr size_t lending_limit = 2;

// Eight classes an octave, 64 for large blocks: at most an eighth is wasted, of large ones a 64th.
size_t class_of(size_t bytes) {
  bytes += MemoryPool::slack;
  if (bytes <= 1024) return (bytes + 255) / 256 * 256;
  const int octave = 63 - __builtin_clzll(bytes - 1);
  const size_t step = size_t{1} << (octave - (bytes > huge ? 6 : 3));
  return (bytes + step - 1) / step * step;
}

size_t alignment_of(size_t size) { return size >= huge ? huge : 64; }

}  // namespace

void* MemoryPool::take(size_t bytes) {
  std::lock_guard lock(mutex_);
  if (!open_) return take_block(bytes);
  if (const auto idle = open_->idle.find(bytes); idle != open_->idle.end()) {
    void* block = idle->second;
    open_->idle.erase(idle);
    open_->blocks.at(block).lent = true;
    return block;
  }
  void* block = take_block(bytes);
  open_->blocks[block] = {bytes, true};
  open_->bytes += bytes;
  return block;
}

void* MemoryPool::take_block(size_t bytes) {
  const size_t size = class_of(bytes);
  if (void* block = reuse(size)) return block;
  make_room(size);
  void* block = ::operator new (size, std::align_val_t{alignment_of(size)}, std::nothrow);
  if (!block) {
    free_idle();
    block = ::operator new (size, std::align_val_t{alignment_of(size)}, std::nothrow);
  }
  if (!block) {
    throw OutOfMemory("out of memory: " + std::to_string(bytes) + " bytes asked for, " + std::to_string(in_use_) +
                      " bytes in use");
  }
#if defined(__linux__)
  if (size >= huge) madvise(block, size / huge * huge, MADV_HUGEPAGE);
#endif
  held_ += size;
  lend(size);
  return block;
}

// An idle block of this class; for large ones also of a class up to lending_limit times as large, before the system is
// asked.
void* MemoryPool::reuse(size_t size) {
  const auto last = size > huge ? idle_.upper_bound(size * lending_limit) : idle_.upper_bound(size);
  for (auto at = idle_.lower_bound(size); at != last; ++at) {
    if (at->second.empty()) continue;
    void* block = at->second.back();
    at->second.pop_back();
    lend(at->first);
    if (at->first != size) lent_[block] = at->first;
    return block;
  }
  return nullptr;
}

void MemoryPool::give(void* block, size_t bytes) {
  if (!block) return;
  std::lock_guard lock(mutex_);
  give_or_keep(block, bytes);
}

void MemoryPool::give_or_keep(void* block, size_t bytes) {
  if (const auto graph = graph_of(block); graph != graphs_.end()) {
    GraphBlocks::Block& own = graph->blocks.at(block);
    own.lent = false;
    if (&*graph == open_ && graph->reuses) graph->idle.emplace(own.bytes, block);
    return free_if_over(graph);
  }
  if (open_) return void(open_->strays.emplace_back(block, bytes));
  for (GraphBlocks& graph : graphs_)
    if (graph.outside.count(block)) return void(graph.strays.emplace_back(block, bytes));
  give_block(block, bytes);
}

void MemoryPool::give_block(void* block, size_t bytes) {
  size_t size = class_of(bytes);
  if (const auto lent = lent_.find(block); lent != lent_.end()) {
    size = lent->second;
    lent_.erase(lent);
  }
  idle_[size].push_back(block);
  in_use_ -= size;
}

// Idle blocks are of no use for this size. Together with what is in use they may hold an eighth more than was ever in
// use at once; past that the largest go back to the system.
void MemoryPool::make_room(size_t size) {
  const size_t most = std::max(peak_, in_use_ + size) / 8 * 9;
  for (auto at = idle_.rbegin(); at != idle_.rend() && held_ + size > most; ++at) {
    auto& [bytes, blocks] = *at;
    for (; !blocks.empty() && held_ + size > most; blocks.pop_back(), held_ -= bytes) {
      ::operator delete (blocks.back(), std::align_val_t{alignment_of(bytes)});
    }
  }
}

void MemoryPool::trim() {
  std::lock_guard lock(mutex_);
  free_idle();
}

void MemoryPool::free_idle() {
  for (auto& [size, blocks] : idle_) {
    for (void* block : blocks) ::operator delete (block, std::align_val_t{alignment_of(size)});
    held_ -= size * blocks.size();
    blocks.clear();
  }
}

GraphBlocks& MemoryPool::begin_graph(bool reuses) {
  std::lock_guard lock(mutex_);
  open_ = &graphs_.emplace_back();
  open_->reuses = reuses;
  return *open_;
}

void MemoryPool::retire(GraphBlocks& graph) {
  std::lock_guard lock(mutex_);
  graph.retired = true;
  free_if_over(std::find_if(graphs_.begin(), graphs_.end(), [&](const GraphBlocks& each) { return &each == &graph; }));
}

void MemoryPool::free_if_over(Graphs::iterator graph) {
  const auto is_lent = [](const auto& each) { return each.second.lent; };
  if (!graph->retired || std::any_of(graph->blocks.begin(), graph->blocks.end(), is_lent)) return;
  for (const auto& [block, taken] : graph->blocks) give_block(block, taken.bytes);
  const auto strays = std::move(graph->strays);
  graphs_.erase(graph);
  for (const auto& [block, bytes] : strays) give_or_keep(block, bytes);  // other graphs may read them, too
}

void MemoryPool::end_graph() {
  std::lock_guard lock(mutex_);
  open_ = nullptr;
}

void MemoryPool::keep_for(GraphBlocks& graph, const void* block) {
  std::lock_guard lock(mutex_);
  if (!graph.owns(block)) graph.outside.insert(block);
}

MemoryPool::Graphs::iterator MemoryPool::graph_of(const void* block) {
  return std::find_if(graphs_.begin(), graphs_.end(), [&](const GraphBlocks& each) { return each.owns(block); });
}

bool MemoryPool::is_of_graph(const void* block) const {
  std::lock_guard lock(mutex_);
  return std::any_of(graphs_.begin(), graphs_.end(), [&](const GraphBlocks& each) { return each.owns(block); });
}

size_t MemoryPool::bytes_in_graphs() const {
  std::lock_guard lock(mutex_);
  size_t bytes = 0;
  for (const GraphBlocks& each : graphs_) bytes += each.bytes;
  return bytes;
}

MemoryPool::~MemoryPool() { free_idle(); }

}  // namespace doppel
