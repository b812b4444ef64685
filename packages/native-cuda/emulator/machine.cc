#include "machine.h"

#include "../cc/device.h"

#include <algorithm>
#include <bit>
#include <cstdio>
#include <cstdlib>
#include <mutex>
#include <numeric>
#include <random>
#include <utility>

namespace doppel::cuda::emulator {

Machine machine;

namespace {

std::mutex one_grid_at_a_time;

std::string text_of(dim3 v) {
  return "(" + std::to_string(v.x) + ", " + std::to_string(v.y) + ", " + std::to_string(v.z) + ")";
}
std::string text_of(uint3 v) { return text_of(dim3(v.x, v.y, v.z)); }

uint64_t volume(dim3 v) { return uint64_t{v.x} * v.y * v.z; }

uint3 unravel(uint64_t i, dim3 shape) {
  return {static_cast<unsigned>(i % shape.x), static_cast<unsigned>(i / shape.x % shape.y),
          static_cast<unsigned>(i / shape.x / shape.y)};
}

// "sum<4, float>" of "sum<4, float>, grid, block, stream, x": up to the first comma outside of brackets.
std::string kernel_of(const char* arguments) {
  int depth = 0;
  const char* end = arguments;
  for (; *end != 0 && !(*end == ',' && depth == 0); end++)
    depth += (*end == '<' || *end == '(') - (*end == '>' || *end == ')');
  return {arguments, end};
}

std::string text_of(const Collective& collective) {
  char mask[16];
  std::snprintf(mask, sizeof mask, "0x%08x", collective.mask);
  return std::string(collective.name) + " with mask " + mask + " (" + emulator::text_of(collective.place) + ")";
}

bool same_place(const Place& a, const Place& b) {
  if (a.line() != b.line() || a.column() != b.column()) return false;
  return a.file_name() == b.file_name() || std::strcmp(a.file_name(), b.file_name()) == 0;
}

bool same(const Collective& a, const Collective& b) {
  return a.complete == b.complete && a.mask == b.mask && same_place(a.place, b.place);
}

// The numbers below `count` in an order.
template <class T> std::vector<T> ordered(T count, Order order, uint64_t seed) {
  std::vector<T> numbers(count);
  std::iota(numbers.begin(), numbers.end(), T{0});
  if (order == Order::backwards) std::reverse(numbers.begin(), numbers.end());
  if (order == Order::shuffled) std::shuffle(numbers.begin(), numbers.end(), std::mt19937_64(seed));
  return numbers;
}

}  // namespace

Machine::Machine() : shared_(new unsigned char[max_shared_bytes]), cells_(new Cell[max_shared_bytes]) {}

// DOPPEL_EMULATOR_ORDER: forwards, backwards, shuffled, or shuffled:<seed>.
void Machine::read_environment() {
  const char* wanted = std::getenv("DOPPEL_EMULATOR_ORDER");
  if (order_is_set_ || !wanted) return;
  const std::string order = wanted;
  if (order == "backwards") {
    set_order(Order::backwards, 0);
  } else if (order.starts_with("shuffled")) {
    set_order(Order::shuffled, order.size() > 9 ? std::strtoull(order.c_str() + 9, nullptr, 10) : 1);
  } else if (order != "forwards") {
    fail(FaultKind::launch,
         "DOPPEL_EMULATOR_ORDER is \"" + order + "\": expected forwards, backwards, shuffled or shuffled:<seed>.",
         Place::current());
  }
}

void Machine::check(dim3 grid, dim3 block, const Place& place) const {
  const std::string launch = "launch of " + kernel_ + " with grid " + text_of(grid) + " and block " + text_of(block);
  if (volume(block) == 0 || volume(block) > max_threads || block.z > 64) {
    fail(FaultKind::launch,
         launch + ": a block has 1 to 1024 threads, at most 64 of them in z. Cut the work into more blocks.", place);
  }
  if (volume(grid) == 0 || grid.x > 0x7fffffffu || grid.y > 65535 || grid.z > 65535) {
    fail(FaultKind::launch,
         launch +
             ": a grid has at least one block, at most 2147483647 in x, 65535 in y and in z. Skip the launch of an "
             "empty tensor; put the longest axis in x.",
         place);
  }
}

// DOPPEL_EMULATOR_LOSE names a kernel at which the card is to fail as cards do for good.
static void lose_device_at(const std::string& kernel) {
  const char* named = std::getenv("DOPPEL_EMULATOR_LOSE");
  if (named && kernel == named)
    throw DeviceLost(kernel + ": an illegal memory access was encountered (DOPPEL_EMULATOR_LOSE)");
}

// DOPPEL_EMULATOR_SKIP names a kernel that is to be left out: a fault to plant.
static bool is_left_out(const std::string& kernel) {
  const char* named = std::getenv("DOPPEL_EMULATOR_SKIP");
  return named && kernel == named;
}

void Machine::run(const LaunchSite& site, dim3 grid, dim3 block, Body body) {
  const std::lock_guard lock(one_grid_at_a_time);
  owner_ = std::this_thread::get_id();
  read_environment();
  kernel_ = kernel_of(site.arguments);
  lose_device_at(kernel_);
  if (is_left_out(kernel_)) return;
  check(grid, block, site.place);
  body_ = body;
  size_ = static_cast<unsigned>(volume(block));
  while (threads_.size() < size_) threads_.push_back(std::make_unique<Thread>(static_cast<unsigned>(threads_.size())));
  gridDim = grid, blockDim = block;
  launch_epoch_ = epoch_ + 1;
  handed_on_.clear();
  if (epoch_ > 0xf0000000u)
    fail(FaultKind::launch,
         "the emulator has counted 4 026 531 840 blocks and barriers and would lose track: begin a new process.",
         site.place);
  const struct AtEnd {
    ~AtEnd() { machine.thread_ = nullptr; }
  } at_end;
  for (const uint64_t rank : ordered(volume(grid), order_, seed_)) {
    blockIdx = unravel(rank, grid);
    run_block();
  }
}

void Machine::start_threads() {
  warps_.resize((size_ + warp_size - 1) / warp_size);
  for (unsigned w = 0; w < warps_.size(); w++) {
    Warp& warp = warps_[w];
    warp.reset(w);
    warp.lanes = std::min(warp_size, size_ - w * warp_size);
    warp.meeting = 0;
    warp.ended = ~warp.all();
    for (unsigned lane = 0; lane < warp.lanes; lane++) warp.threads[lane] = threads_[w * warp_size + lane].get();
  }
  for (unsigned rank = 0; rank < size_; rank++) {
    Thread& thread = *threads_[rank];
    thread.index = unravel(rank, blockDim);
    thread.state = State::ready;
    thread.open.clear();
    thread.groups.clear();
    thread.fiber.start(&Machine::thread_main);
  }
  live_ = size_;
}

void Machine::run_block() {
  first_epoch_ = ++epoch_;
  shared_used_ = 0;
  fenced_ = met_others_ = false;
  start_threads();
  const std::vector<unsigned> order = ordered(static_cast<unsigned>(warps_.size()), order_, seed_ + epoch_);
  while (live_ > 0) {
    bool progress = false;
    for (const unsigned w : order) {
      // To the end or a barrier of the block before the next warp begins: race.h counts on it.
      while (run_warp(warps_[w])) progress = true;
    }
    if (!progress) pass_barrier();
  }
}

// Lets every lane that can go on do so; false if none could.
bool Machine::run_warp(Warp& warp) {
  bool progress = false;
  for (unsigned i = 0; i < warp.lanes; i++) {
    Thread& thread = *warp.threads[order_ == Order::backwards ? warp.lanes - 1 - i : i];
    if (thread.state != State::ready) continue;
    resume(thread);
    progress = true;
  }
  return progress;
}

void Machine::resume(Thread& thread) {
  thread_ = &thread;
  warp_ = &warps_[thread.rank / warp_size];
  threadIdx = thread.index;
  thread.fiber.resume();
  thread_ = nullptr;
  if (error_) std::rethrow_exception(std::exchange(error_, nullptr));
}

void Machine::thread_main() {
  try {
    machine.body_.call(machine.body_.self);
    machine.finish(*machine.thread_);
  } catch (...) { machine.error_ = std::current_exception(); }
  machine.thread_->fiber.suspend();
}

void Machine::finish(Thread& thread) {
  thread.state = State::done;
  live_--;
  Warp& warp = this->warp();
  warp.ended |= 1u << thread.lane;
  // Lanes may wait for all that are left of their warp.
  for (unsigned lane = 0; lane < warp.lanes; lane++) {
    if (warp.meeting >> lane & 1) complete_collective(warp, warp.threads[lane]->collective);
  }
}

void Machine::barrier(const Place& place) {
  Thread& thread = *thread_;
  thread.state = State::at_barrier;
  thread.place = place;
  thread.fiber.suspend();
}

// No thread can go on. If all of them wait at the same barrier, they have passed it.
void Machine::pass_barrier() {
  const auto first = threads_.begin(), last = first + size_;
  const Place& place = (*first)->place;
  const bool together = std::all_of(first, last, [&](const auto& thread) {
    return thread->state == State::at_barrier && same_place(thread->place, place);
  });
  if (!together) stalled();
  epoch_++;
  for (auto thread = first; thread != last; thread++) (*thread)->state = State::ready;
  for (Warp& warp : warps_) warp.reset(warp.index);
}

void Machine::collective(const Collective& collective, void* operand) {
  Thread& thread = *thread_;
  if (!(collective.mask >> thread.lane & 1)) {
    fail(FaultKind::barrier,
         std::string(collective.name) + " called by lane " + std::to_string(thread.lane) +
             ", which its mask does not name: a lane that calls is in the mask.",
         collective.place);
  }
  thread.state = State::at_collective;
  thread.collective = collective;
  thread.operand = operand;
  warp().meeting |= 1u << thread.lane;
  if (!complete_collective(warp(), collective)) thread.fiber.suspend();
}

// Does the operation if every lane of its mask that has not ended is there.
bool Machine::complete_collective(Warp& warp, const Collective& collective) {
  if (collective.mask & ~(warp.meeting | warp.ended)) return false;
  const uint32_t there = collective.mask & warp.meeting;
  for (uint32_t left = there; left != 0; left &= left - 1) {
    if (!same(warp.threads[std::countr_zero(left)]->collective, collective)) return false;
  }
  collective.complete(warp, there);
  for (uint32_t left = there; left != 0; left &= left - 1) warp.threads[std::countr_zero(left)]->state = State::ready;
  warp.meeting &= ~there;
  return true;
}

// Where the threads of the block are, alike ones together: "3 threads, the first (1, 0, 0), have ended; …".
std::string Machine::waiting_text() const {
  std::vector<std::pair<std::string, std::pair<unsigned, const Thread*>>> groups;
  for (unsigned rank = 0; rank < size_; rank++) {
    const Thread& thread = *threads_[rank];
    std::string where = "have ended";
    if (thread.state == State::at_barrier) where = "wait at __syncthreads (" + emulator::text_of(thread.place) + ")";
    if (thread.state == State::at_collective) where = "wait at " + text_of(thread.collective);
    const auto alike =
        std::find_if(groups.begin(), groups.end(), [&](const auto& group) { return group.first == where; });
    if (alike == groups.end()) {
      groups.push_back({where, {1, &thread}});
    } else {
      alike->second.first++;
    }
  }
  std::string text;
  for (const auto& [where, who] : groups) {
    text += (text.empty() ? "" : "; ") + std::to_string(who.first) + " threads, the first " +
            text_of(who.second->index) + ", " + where;
  }
  return text;
}

void Machine::stalled() {
  const auto waiting = std::find_if(threads_.begin(), threads_.begin() + size_,
                                    [](const auto& thread) { return thread->state != State::done; });
  thread_ = waiting->get();
  const Place place = thread_->state == State::at_barrier ? thread_->place : thread_->collective.place;
  const std::string found = "the block cannot go on: " + waiting_text();
  fail(FaultKind::barrier,
       found +
           ". All threads of a block must reach the same __syncthreads, and all lanes of a mask the same warp-wide "
           "operation: "
           "take it out of the branch, and let threads without work pass through it instead of returning.",
       place);
}

std::string Machine::spot() const {
  std::string text = "kernel " + kernel_;
  if (thread_) text += ", block " + text_of(blockIdx) + ", thread " + text_of(thread_->index);
  return text;
}

void Machine::global_atomic() {
  met_others_ = true;
  if (!fenced_) return;
  if (handed_on_.empty() || handed_on_.back().first != first_epoch_) handed_on_.push_back({first_epoch_, epoch_});
  handed_on_.back().last = epoch_;
}

bool Machine::is_handed_on(uint32_t epoch) const {
  if (!met_others_) return false;
  const auto after = std::upper_bound(handed_on_.begin(), handed_on_.end(), epoch,
                                      [](uint32_t wanted, const HandOn& block) { return wanted < block.first; });
  return after != handed_on_.begin() && epoch <= std::prev(after)->last;
}

size_t Machine::take_shared(size_t bytes, const char* name, const Place& place) {
  const size_t offset = (shared_used_ + 15) / 16 * 16;
  if (offset + bytes > max_shared_bytes) {
    fail(FaultKind::launch,
         "shared array " + std::string(name) + " of " + std::to_string(bytes) + " bytes: with the " +
             std::to_string(offset) +
             " bytes before it, it goes past the 49152 that a block has for arrays of fixed size. Use smaller tiles.",
         place);
  }
  shared_used_ = offset + bytes;
  std::memset(shared_memory(offset), 0xff, bytes);  // a NaN to whoever gets round the checks
  return offset;
}

}  // namespace doppel::cuda::emulator
