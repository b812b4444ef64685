// Memory of one JS thread's tensors: aligned blocks in size classes, kept for the next tensor of the same class.
//
// A training step asks for the same sizes again and again; giving blocks back to the system would cost a page fault for
// each 4 KB. Ops that run side by side may take and give at once.
#pragma once
#include <cstddef>
#include <list>
#include <map>
#include <mutex>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "../block_pool.h"

namespace doppel {

// The memory of one recording: what is taken while it is open. It is nobody else's as long as the recording may run,
// since each replay writes to it. Nor is what its ops read besides, once that was given back.
struct GraphBlocks {
  struct Block {
    size_t bytes;
    bool lent;  // some tensor has it
  };
  bool reuses = false;  // blocks serve again; ops that one serves cannot run side by side
  std::unordered_map<void*, Block> blocks;
  std::unordered_multimap<size_t, void*> idle;  // by bytes: given back while it is open
  std::unordered_set<const void*> outside;       // blocks of before that its ops touch
  std::vector<std::pair<void*, size_t>> strays;  // of those, what was given back since
  size_t bytes = 0;
  bool retired = false;

  bool owns(const void* block) const { return blocks.count(const_cast<void*>(block)) > 0; }
};

class MemoryPool : public BlockPool {
 public:
  // Bytes past a block's end that vector loads may read.
  static constexpr size_t slack = 256;

  ~MemoryPool() override;

  void* take(size_t bytes) override;  // aligned to 64 bytes
  void give(void* block, size_t bytes) override;
  void trim() override;
  size_t bytes_in_graphs() const override;
  bool is_of_graph(const void* block) const override;

  GraphBlocks& begin_graph(bool reuses);
  void end_graph();
  // Holds a block of before the recording until it is gone.
  void keep_for(GraphBlocks& graph, const void* block);
  // The recording is gone; its memory goes when its last block was given back.
  void retire(GraphBlocks& graph);

 private:
  using Graphs = std::list<GraphBlocks>;

  void* take_block(size_t bytes);
  void give_block(void* block, size_t bytes);
  void give_or_keep(void* block, size_t bytes);
  Graphs::iterator graph_of(const void* block);
  void free_if_over(Graphs::iterator graph);
  void free_idle();
  void* reuse(size_t size);
  void make_room(size_t size);

  mutable std::mutex mutex_;
  Graphs graphs_;
  GraphBlocks* open_ = nullptr;                // of the recording that is open
  std::map<size_t, std::vector<void*>> idle_;  // by class size
  std::unordered_map<void*, size_t> lent_;     // blocks in use for a smaller class than their own
};

}  // namespace doppel
