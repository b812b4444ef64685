// Captures the ops that are asked of the device as a list. A replay costs no way through JavaScript, and parts that do
// not depend on each other, such as the towers of two sensors, run side by side, one thread each: threads that share an
// op meet after each, those that share a network once.
#pragma once
#include <unordered_map>

#include "../capture.h"
#include "memory_pool.h"
#include "runtime.h"

namespace doppel {

class OpGraph : public Graph, public Recorder {
 public:
  OpGraph(MemoryPool& pool, Runtime& runtime, uint64_t counters_a_step, bool reuses_memory)
      : pool_(pool), runtime_(runtime), memory_(pool.begin_graph(reuses_memory)), progress_{0, counters_a_step} {}
  ~OpGraph() override { pool_.retire(memory_); }

  void record(RecordedOp op) override;
  void end(const std::vector<Renewal>& state);
  void replay() override;
  size_t strays() const { return memory_.strays.size(); }

 private:
  using Ops = std::vector<size_t>;  // their places in ops_

  // Ops that depend on each other, and on none of another lane of their stage.
  struct Lane {
    Ops ops;
    size_t bytes = 0;  // that they touch: how long they take, about
  };
  // Stages follow each other.
  struct Stage {
    size_t first;  // op
    std::vector<Lane> lanes;
  };
  using LanesByBlock = std::unordered_map<const void*, std::vector<size_t>>;

  std::vector<size_t> lanes_before(const Touched& touched) const;
  static bool runs_side_by_side(const Stage& stage, int threads);
  void run(size_t op) { ops_[op].run(runtime_, progress_); }

  MemoryPool& pool_;
  Runtime& runtime_;
  GraphBlocks& memory_;
  Progress progress_;
  std::vector<RecordedOp> ops_;
  std::vector<Stage> stages_;
  LanesByBlock readers_, writers_;  // of the last stage
  std::vector<Renewal> state_;
};

class OpCapture : public Capture {
 public:
  OpCapture(MemoryPool& pool, Runtime& runtime) : pool_(pool), runtime_(runtime) {}

  void begin(uint64_t counters_a_step, bool reuses_memory) override;
  std::unique_ptr<Graph> end(const std::vector<Renewal>& state) override;
  void abandon() override;
  bool is_open() const override { return graph_ != nullptr; }
  size_t strays() const override { return graph_ ? graph_->strays() : 0; }
  Recorder* recorder() const { return graph_.get(); }

 private:
  MemoryPool& pool_;
  Runtime& runtime_;
  std::unique_ptr<OpGraph> graph_;  // that is open
};

}  // namespace doppel
