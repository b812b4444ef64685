#include "op_capture.h"

#include <algorithm>
#include <cstring>
#include <stdexcept>

namespace doppel {

namespace {

// A lane with less than this share of the longest one's bytes does not keep a thread busy beside it.
constexpr double least_share = 0.25;

void add_once(std::vector<size_t>& list, size_t value) {
  if (std::find(list.begin(), list.end(), value) == list.end()) list.push_back(value);
}

}  // namespace

// Lanes of the last stage whose results the op needs, or whose blocks it overwrites.
std::vector<size_t> OpGraph::lanes_before(const Touched& touched) const {
  std::vector<size_t> found;
  auto add = [&](const LanesByBlock& lanes_of, const void* block) {
    const auto at = lanes_of.find(block);
    if (at == lanes_of.end()) return;
    for (const size_t lane : at->second) add_once(found, lane);
  };
  for (const void* block : touched.reads) add(writers_, block);
  for (const void* block : touched.writes) add(writers_, block), add(readers_, block);
  return found;
}

void OpGraph::record(RecordedOp op) {
  std::vector<size_t> before = lanes_before(op.touched);
  if (stages_.empty() || before.size() > 1) {
    stages_.push_back({ops_.size(), {}});
    readers_.clear(), writers_.clear(), before.clear();
  }
  std::vector<Lane>& lanes = stages_.back().lanes;
  const size_t lane = before.empty() ? lanes.size() : before[0];
  if (before.empty()) lanes.emplace_back();
  lanes[lane].ops.push_back(ops_.size());
  lanes[lane].bytes += op.touched.bytes;
  for (const void* block : op.touched.reads) {
    add_once(readers_[block], lane);
    pool_.keep_for(memory_, block);
  }
  for (const void* block : op.touched.writes) {
    add_once(writers_[block], lane);
    pool_.keep_for(memory_, block);
  }
  ops_.push_back(std::move(op));
}

void OpGraph::end(const std::vector<Renewal>& state) {
  state_ = state;
  readers_.clear(), writers_.clear();
}

// Whether lanes keep the threads as busy as sharing each op would: half of them at least.
bool OpGraph::runs_side_by_side(const Stage& stage, int threads) {
  size_t most = 0;
  for (const Lane& lane : stage.lanes) most = std::max(most, lane.bytes);
  const double least = least_share * static_cast<double>(most);
  const auto long_lanes = std::count_if(stage.lanes.begin(), stage.lanes.end(),
                                        [&](const Lane& lane) { return static_cast<double>(lane.bytes) >= least; });
  return long_lanes > 1 && threads < 2 * long_lanes;
}

void OpGraph::replay() {
  NativeRuntime of_replay(runtime_);
  for (size_t i = 0; i < stages_.size(); i++) {
    const Stage& stage = stages_[i];
    const size_t end = i + 1 < stages_.size() ? stages_[i + 1].first : ops_.size();
    if (!runs_side_by_side(stage, of_replay.threads())) {
      for (size_t op = stage.first; op < end; op++) run(op);
      continue;
    }
    auto run_lane = [&](size_t lane) {
      for (const size_t op : stage.lanes[lane].ops) run(op);
    };
    of_replay.run(static_cast<int>(stage.lanes.size()), [](void* f, int lane, int) {
      (*static_cast<decltype(run_lane)*>(f))(static_cast<size_t>(lane));
    }, &run_lane);
  }
  auto renew = [this](int i) { std::memcpy(state_[i].to, state_[i].from, state_[i].bytes); };
  of_replay.run(
      static_cast<int>(state_.size()), [](void* f, int i, int) { (*static_cast<decltype(renew)*>(f))(i); }, &renew);
  if (progress_.counters_a_step > 0) progress_.replays++;
}

void OpCapture::begin(uint64_t counters_a_step, bool reuses_memory) {
  if (is_open()) throw std::runtime_error("a capture is open already: end it first");
  graph_ = std::make_unique<OpGraph>(pool_, runtime_, counters_a_step, reuses_memory);
}

std::unique_ptr<Graph> OpCapture::end(const std::vector<Renewal>& state) {
  if (!is_open()) throw std::runtime_error("no capture is open");
  pool_.end_graph();
  graph_->end(state);
  return std::move(graph_);
}

void OpCapture::abandon() {
  if (!is_open()) return;
  pool_.end_graph();
  graph_.reset();
}

}  // namespace doppel
