// One pool of threads a process, shared by all kernels of all JS threads. Sized to the cores that the process may use:
// affinity and cgroup quota are respected.
#pragma once
#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <exception>
#include <mutex>
#include <thread>
#include <vector>

#include "runtime.h"

namespace doppel {

class ThreadPool {
 public:
  static ThreadPool& shared();

  int threads() const { return threads_.load(std::memory_order_relaxed); }
  void set_threads(int count);  // the caller's own thread counts; may be called while ops run

  // Calls f(context, task, thread) for each task below `tasks`, on the caller and those workers that come in time;
  // returns when all are done. Rethrows the first exception. While another caller has the workers, and within a task,
  // the tasks run on the caller alone (thread 0). Each `thread` is below `threads`, however many the pool has by now.
  void run(int tasks, int threads, Task f, void* context);

 private:
  explicit ThreadPool(int count);
  void start(int workers);
  void stop();
  void worker(int thread, uint32_t seen);
  void await_run(uint32_t seen);
  bool enter(uint32_t& seen);
  void work(int thread);
  void leave();

  std::atomic<int> threads_{1};
  std::vector<std::thread> workers_;
  std::mutex caller_;  // held by the caller that has the workers

  std::mutex mutex_;  // guards what follows, with the two conditions
  std::condition_variable wake_, done_;
  // Number of the run, whether it is closed to further workers, and how many are inside. In one word, since a worker
  // either is inside when the run closes, and is waited for, or stays outside: a run never waits for a worker to wake.
  std::atomic<uint64_t> gate_;
  std::atomic<bool> quit_{false};
  Task f_ = nullptr;
  void* context_ = nullptr;
  int tasks_ = 0, threads_of_run_ = 0;
  std::atomic<int> next_{0};
  std::exception_ptr error_;
};

int usable_cores();

}  // namespace doppel
