// The execution model: a grid's blocks run one after the other; a block's threads are fibers, 32 to a warp, each going
// on until it waits for others. One grid runs at a time, on the thread that launches it.
#pragma once
#include <cstdint>
#include <exception>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "fault.h"
#include "fiber.h"
#include "race.h"
#include "types.h"

namespace doppel::cuda::emulator {

constexpr unsigned warp_size = 32;
constexpr unsigned max_threads = 1024;
constexpr size_t max_shared_bytes = 48 * 1024;  // what nvcc grants to arrays of a fixed size

struct Warp;

// An operation that lanes of a warp do together. Two lanes do the same one if all but the operand agrees.
struct Collective {
  const char* name = nullptr;
  uint32_t mask = 0;
  Place place;
  void (*complete)(Warp& warp,
                   uint32_t mask) = nullptr;  // run once, when all are there: reads and writes their operands
};

enum class State : uint8_t { ready, at_collective, at_barrier, done };

// A 16-byte cp.async on its way: its destination's cells are closed until it lands.
struct AsyncCopy {
  unsigned char* destination;
  Cell* cells;
  unsigned count;  // elements of the array in 16 bytes
  unsigned char bytes[16];
};

struct Thread {
  explicit Thread(unsigned rank) : fiber(rank), rank(rank), lane(rank % warp_size) {}
  Fiber fiber;
  const unsigned rank, lane;
  uint3 index{};
  State state = State::done;
  Collective collective;
  void* operand = nullptr;
  Place place;                                 // of the barrier it waits at
  std::vector<AsyncCopy> open;                 // issued, not committed
  std::vector<std::vector<AsyncCopy>> groups;  // committed, oldest first
};

struct Warp : WarpClock {
  Thread* threads[warp_size] = {};
  unsigned lanes = 0;    // that exist
  uint32_t meeting = 0;  // lanes that wait at a collective
  uint32_t ended = 0;    // lanes that have ended, and those that do not exist
  uint32_t all() const { return lanes == warp_size ? ~0u : (1u << lanes) - 1; }
};

// Where and what was launched.
struct LaunchSite {
  const char* arguments;  // as written: the kernel's name, then grid, block and so on
  Place place;
};

// A kernel with its arguments, without its type.
struct Body {
  void (*call)(const void* self);
  const void* self;
};

enum class Order : uint8_t { forwards, backwards, shuffled };

class Machine {
 public:
  void run(const LaunchSite& site, dim3 grid, dim3 block, Body body);

  // Of the running thread:
  void barrier(const Place& place);
  // Waits until all lanes of the mask are there; `operand` is this lane's, and lives on its stack.
  void collective(const Collective& collective, void* operand);

  // Whether the caller is a kernel, and not the host (on whatever thread).
  bool running() const { return thread_ != nullptr && owner_ == std::this_thread::get_id(); }
  Thread& thread() { return *thread_; }
  Warp& warp() { return *warp_; }
  std::string spot() const;  // "kernel sum, block (0, 1, 0), thread (3, 0, 0)"

  // Grows with every block and every barrier, so that nothing has to be cleared: what is older than the block was not
  // written in it, and what is older than the epoch is ordered before it.
  uint32_t epoch() const { return epoch_; }
  uint32_t first_epoch() const { return first_epoch_; }
  uint32_t launch_epoch() const { return launch_epoch_; }

  // __threadfence, and an atomic on global memory: together they hand on to other blocks what this one wrote.
  void fence() { fenced_ = true; }
  void global_atomic();
  // Whether the running block may use what an earlier one wrote in this epoch.
  bool is_handed_on(uint32_t epoch) const;

  // Shared memory of the running block.
  unsigned char* shared_memory(size_t offset) { return shared_.get() + offset; }
  Cell* cells(size_t offset) { return cells_.get() + offset; }
  size_t take_shared(size_t bytes, const char* name, const Place& place);

  void set_order(Order order, uint64_t seed) { order_ = order, seed_ = seed, order_is_set_ = true; }

  Machine();

 private:
  friend class OrderGuard;
  void check(dim3 grid, dim3 block, const Place& place) const;
  void run_block();
  void start_threads();
  bool run_warp(Warp& warp);
  void resume(Thread& thread);
  void pass_barrier();
  [[noreturn]] void stalled();
  bool complete_collective(Warp& warp, const Collective& collective);
  void finish(Thread& thread);
  void read_environment();
  std::string waiting_text() const;
  static void thread_main();

  std::vector<std::unique_ptr<Thread>> threads_;
  std::vector<Warp> warps_;
  unsigned size_ = 0;  // threads in a block
  unsigned live_ = 0;
  Thread* thread_ = nullptr;  // that runs, and its warp
  Warp* warp_ = nullptr;
  std::thread::id owner_;  // the host's thread that launched
  std::string kernel_;
  Body body_{};
  std::exception_ptr error_;
  uint32_t epoch_ = 0, first_epoch_ = 0, launch_epoch_ = 0;
  bool fenced_ = false, met_others_ = false;  // by the running block
  struct HandOn {
    uint32_t first, last;  // epochs of a block
  };
  std::vector<HandOn> handed_on_;  // in this launch, oldest first
  std::unique_ptr<unsigned char[]> shared_;
  std::unique_ptr<Cell[]> cells_;  // one an element, the first at the array's offset in bytes
  size_t shared_used_ = 0;
  Order order_ = Order::forwards;
  uint64_t seed_ = 0;
  bool order_is_set_ = false;
};

extern Machine machine;

// Puts the order back to what it was.
class OrderGuard {
 public:
  OrderGuard() : order_(machine.order_), seed_(machine.seed_), is_set_(machine.order_is_set_) {}
  ~OrderGuard() { machine.order_ = order_, machine.seed_ = seed_, machine.order_is_set_ = is_set_; }
  OrderGuard(const OrderGuard&) = delete;
  OrderGuard& operator=(const OrderGuard&) = delete;

 private:
  Order order_;
  uint64_t seed_;
  bool is_set_;
};

}  // namespace doppel::cuda::emulator
