// What the ops of the device `cuda` are given besides their params: the stream, and scratch memory in the order of the
// stream.
#pragma once
#include <cstdint>

#include "../block_pool.h"
#include "../ops.h"
#include "../runtime.h"
#include "device.cuh"

namespace doppel::cuda {

// How often the graph that a launch belongs to was replayed: what is a number in other launches moves on with it.
// Outside of a graph there is no count, and it is 0.
struct Replays {
  Global<const int64_t> count;
  uint64_t counters_a_step = 0;

  __device__ int64_t done() const {
    if (!count) return 0;
    return count[0];
  }
  // Of random numbers.
  __device__ uint64_t counters() const { return static_cast<uint64_t>(done()) * counters_a_step; }
};

// One JS thread's work on one card: everything is enqueued on one stream, in the order of the calls.
class DeviceRuntime : public Runtime {
 public:
  DeviceRuntime(BlockPool& pool, Stream stream, int multiprocessors)
      : Runtime(pool), stream(stream), multiprocessors(multiprocessors) {}
  const Stream stream;
  const int multiprocessors;  // of the card: how many blocks can run at once, at least
  Replays replays;            // while a step is captured
};

inline DeviceRuntime& device_of(Runtime& runtime) { return static_cast<DeviceRuntime&>(runtime); }
inline Stream stream_of(Runtime& runtime) { return device_of(runtime).stream; }

// Elements of the pool for the kernels of one op; they go back at the end of the scope, in the order of the stream.
template <class T> class DeviceScratch {
 public:
  DeviceScratch(Runtime& runtime, int64_t count)
      : pool_(runtime.pool()),
        count_(count),
        data_(count > 0 ? static_cast<T*>(pool_.take(static_cast<size_t>(count) * sizeof(T))) : nullptr) {}
  DeviceScratch(const DeviceScratch&) = delete;
  DeviceScratch& operator=(const DeviceScratch&) = delete;
  ~DeviceScratch() {
    if (data_) pool_.give(data_, static_cast<size_t>(count_) * sizeof(T));
  }
  T* data() const { return data_; }
  Global<T> view() const { return Global<T>(data_, count_); }

 private:
  BlockPool& pool_;
  int64_t count_;
  T* data_;
};

__host__ __device__ constexpr int64_t ceil_div(int64_t a, int64_t b) { return (a + b - 1) / b; }

// Kernels by element: blocks of 256 threads that walk the elements in steps of the whole grid. As many blocks as keep a
// card busy, and no more than there is work for.
constexpr int block_size = 256;
inline dim3 grid_for(Runtime& runtime, int64_t count) {
  const int64_t wanted = ceil_div(count, block_size), most = int64_t{device_of(runtime).multiprocessors} * 16;
  return dim3(static_cast<unsigned>(wanted < most ? wanted : most));
}
__device__ inline int64_t first_index() { return int64_t{blockIdx.x} * blockDim.x + threadIdx.x; }
__device__ inline int64_t index_step() { return int64_t{gridDim.x} * blockDim.x; }

__device__ inline float activate(float v, Activation activation) {
  if (!(v < 0) || activation.kind == ActivationKind::linear) return v;
  return activation.kind == ActivationKind::relu ? 0.f : v * activation.alpha;
}

// d · act'(x) by the activation's result y, which has the sign of x
__device__ inline float activation_gradient(float d, float y, Activation activation) {
  if (!(y <= 0) || activation.kind == ActivationKind::linear) return d;
  return activation.kind == ActivationKind::relu ? 0.f : d * activation.alpha;
}

// The ops; kernels/table.cu lists them.
const Ops& table();
#define DOPPEL_OP(name, Params) void name(const Params&, Runtime&);
#include "../ops.def"

}  // namespace doppel::cuda
