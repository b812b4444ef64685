#include "thread_pool.h"

#include <cstdio>
#include <system_error>
#if defined(__linux__)
#include <sched.h>
#endif

namespace doppel {

namespace {

// Cores that the cgroup's quota allows; 0 where there is none.
int cgroup_quota() {
  long quota = 0, period = 0;
  if (FILE* file = std::fopen("/sys/fs/cgroup/cpu.max", "r")) {  // v2: "max 100000" or "150000 100000"
    if (std::fscanf(file, "%ld %ld", &quota, &period) != 2) quota = 0;
    std::fclose(file);
  } else if (FILE* v1 = std::fopen("/sys/fs/cgroup/cpu/cpu.cfs_quota_us", "r")) {
    if (std::fscanf(v1, "%ld", &quota) != 1) quota = 0;
    std::fclose(v1);
    if (FILE* p = std::fopen("/sys/fs/cgroup/cpu/cpu.cfs_period_us", "r")) {
      if (std::fscanf(p, "%ld", &period) != 1) period = 0;
      std::fclose(p);
    }
  }
  return quota > 0 && period > 0 ? static_cast<int>((quota + period - 1) / period) : 0;
}

constexpr int spins = 4000;  // about 20 µs: kernels of a step follow each other closely

constexpr uint64_t closed = uint64_t{1} << 31, inside = closed - 1;  // bits of the gate, below the run's number

inline uint32_t run_of(uint64_t gate) { return static_cast<uint32_t>(gate >> 32); }

thread_local bool runs_task = false;

inline void relax() {
#if defined(__x86_64__) || defined(__i386__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  asm volatile("yield");
#endif
}

}  // namespace

int usable_cores() {
  int cores = static_cast<int>(std::thread::hardware_concurrency());
#if defined(__linux__)
  cpu_set_t set;
  if (sched_getaffinity(0, sizeof set, &set) == 0) cores = CPU_COUNT(&set);
#endif
  const int quota = cgroup_quota();
  if (quota > 0 && quota < cores) cores = quota;
  return cores < 1 ? 1 : cores;
}

ThreadPool& ThreadPool::shared() {
  // Never destroyed: workers may still sleep in it when the process leaves.
  static ThreadPool* pool = new ThreadPool(usable_cores());
  return *pool;
}

ThreadPool::ThreadPool(int count) : gate_(closed) { start(count - 1); }

void ThreadPool::start(int workers) {
  quit_.store(false);
  const uint32_t seen = run_of(gate_.load());
  for (int i = 0; i < workers; i++) {
    try {
      workers_.emplace_back([this, i, seen] { worker(i + 1, seen); });
    } catch (const std::system_error&) {
      break;  // fewer threads than wished for; the caller's own always works
    }
  }
  threads_.store(static_cast<int>(workers_.size()) + 1);
}

void ThreadPool::stop() {
  {
    std::lock_guard lock(mutex_);
    quit_.store(true);
  }
  wake_.notify_all();
  for (std::thread& thread : workers_) thread.join();
  workers_.clear();
}

void ThreadPool::set_threads(int count) {
  std::lock_guard mine(caller_);
  stop();
  start((count < 1 ? 1 : count) - 1);
}

void ThreadPool::work(int thread) {
  runs_task = true;
  for (;;) {
    const int task = next_.fetch_add(1, std::memory_order_relaxed);
    if (task >= tasks_) break;
    try {
      f_(context_, task, thread);
    } catch (...) {
      std::lock_guard lock(mutex_);
      if (!error_) error_ = std::current_exception();
    }
  }
  runs_task = false;
}

// Returns once there is a run other than `seen`, or the pool stops.
void ThreadPool::await_run(uint32_t seen) {
  auto is_due = [&] { return run_of(gate_.load(std::memory_order_acquire)) != seen || quit_.load(); };
  for (int i = 0; i < spins; i++, relax())
    if (is_due()) return;
  std::unique_lock lock(mutex_);
  wake_.wait(lock, is_due);
}

// Joins the run, whose number `seen` becomes, unless it is closed.
bool ThreadPool::enter(uint32_t& seen) {
  uint64_t gate = gate_.load(std::memory_order_acquire);
  do {
    seen = run_of(gate);
    if (gate & closed) return false;
  } while (!gate_.compare_exchange_weak(gate, gate + 1, std::memory_order_acq_rel, std::memory_order_acquire));
  return true;
}

void ThreadPool::leave() {
  const uint64_t gate = gate_.fetch_sub(1, std::memory_order_acq_rel) - 1;
  if ((gate & closed) && (gate & inside) == 0) {
    std::lock_guard lock(mutex_);
    done_.notify_one();
  }
}

// `seen`: the last run when the worker was made; another may be there before its thread runs.
void ThreadPool::worker(int thread, uint32_t seen) {
  for (;;) {
    await_run(seen);
    if (quit_.load()) return;
    if (!enter(seen)) continue;
    if (thread < threads_of_run_) work(thread);
    leave();
  }
}

void ThreadPool::run(int tasks, int threads, Task f, void* context) {
  if (tasks <= 0) return;
  std::unique_lock mine(caller_, std::defer_lock);
  if (tasks == 1 || threads == 1 || runs_task || !mine.try_lock()) {
    for (int task = 0; task < tasks; task++) f(context, task, 0);
    return;
  }
  {
    std::lock_guard lock(mutex_);
    f_ = f;
    context_ = context;
    tasks_ = tasks;
    threads_of_run_ = threads;
    next_.store(0, std::memory_order_relaxed);
    error_ = nullptr;
    gate_.store(uint64_t{run_of(gate_.load(std::memory_order_relaxed)) + 1} << 32, std::memory_order_release);
  }
  wake_.notify_all();
  work(0);
  gate_.fetch_or(closed, std::memory_order_acq_rel);
  auto is_done = [&] { return (gate_.load(std::memory_order_acquire) & inside) == 0; };
  for (int i = 0; i < spins && !is_done(); i++) relax();
  if (!is_done()) {
    std::unique_lock lock(mutex_);
    done_.wait(lock, is_done);
  }
  if (error_) std::rethrow_exception(error_);
}

}  // namespace doppel
