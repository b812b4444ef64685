// Vectors of the instruction set that this file is compiled for, by GCC's and Clang's vector extensions: one source
// serves AVX-512, AVX2, NEON and plain C++. Everything lives in a namespace named for the set (DOPPEL_ISA), and nothing
// of the standard library with external linkage is instantiated here: the linker might keep the copy that needs
// AVX-512.
#pragma once
#include <cstdint>
#include <cstring>

#include "../../ops.h"
#include "../runtime.h"

namespace doppel::DOPPEL_ISA {

#if defined(__AVX512F__)
constexpr int lanes = 16;
constexpr int tile_rows = 12;  // register block of the matrix kernels: rows × 2 vectors
#elif defined(__AVX2__)
constexpr int lanes = 8;
constexpr int tile_rows = 6;
#elif defined(__aarch64__)
constexpr int lanes = 4;
constexpr int tile_rows = 12;
#else
constexpr int lanes = 4;
constexpr int tile_rows = 6;
#endif
constexpr int tile_columns = 2 * lanes;

typedef float Vec __attribute__((vector_size(lanes * 4)));
typedef float UnalignedVec __attribute__((vector_size(lanes * 4), aligned(4), may_alias));

static inline Vec load(const float* p) { return *reinterpret_cast<const UnalignedVec*>(p); }
static inline void store(float* p, Vec v) { *reinterpret_cast<UnalignedVec*>(p) = v; }
static inline Vec splat(float s) { return s - Vec{}; }
// Half a vector, as 8 channels are of 16 lanes, is copied by one instruction; a length known only later is a call.
template <class F> static inline void with_length(int64_t n, F copy) {
  if (n == lanes / 2) copy(sizeof(Vec) / 2);
  else copy(static_cast<size_t>(n) * 4);
}
static inline Vec load_first(const float* p, int64_t n) {
  Vec v{};
  with_length(n, [&](size_t bytes) { std::memcpy(&v, p, bytes); });
  return v;
}
static inline void store_first(float* p, Vec v, int64_t n) {
  with_length(n, [&](size_t bytes) { std::memcpy(p, &v, bytes); });
}
static inline Vec get(const float* p, int n) { return n == lanes ? load(p) : load_first(p, n); }
static inline void put(float* p, Vec v, int n) { n == lanes ? store(p, v) : store_first(p, v, n); }
// Calls f(first, n) for the whole vectors of c channels, then once with n < lanes for the rest.
template <class F> static inline void each_vector(int64_t c, F f) {
  int64_t j = 0;
  for (; j + lanes <= c; j += lanes) f(j, lanes);
  if (j < c) f(j, static_cast<int>(c - j));
}
static inline float sum_of(Vec v) {
  float s = 0;
  for (int i = 0; i < lanes; i++) s += v[i];
  return s;
}

template <class T> static inline T smaller(T a, T b) { return b < a ? b : a; }
template <class T> static inline T larger(T a, T b) { return a < b ? b : a; }
static inline int64_t ceil_div(int64_t a, int64_t b) { return (a + b - 1) / b; }

// act(v): NaN stays NaN.
static inline Vec activate(Vec v, const Activation& activation) {
  switch (activation.kind) {
    case ActivationKind::relu: return v < Vec{} ? Vec{} : v;
    case ActivationKind::leakyrelu: return v < Vec{} ? v * splat(activation.alpha) : v;
    default: return v;
  }
}

// dy · act'(y), from below at 0 (as PyTorch does).
static inline Vec activation_gradient(Vec dy, Vec y, const Activation& activation) {
  switch (activation.kind) {
    case ActivationKind::relu: return y <= Vec{} ? Vec{} : dy;
    case ActivationKind::leakyrelu: return y <= Vec{} ? dy * splat(activation.alpha) : dy;
    default: return dy;
  }
}

static inline int threads_of(Runtime& runtime) { return static_cast<NativeRuntime&>(runtime).threads(); }

// Calls f(task, thread) for each task below `tasks` on the pool.
template <class F> static inline void parallel(Runtime& runtime, int64_t tasks, const F& f) {
  static_cast<NativeRuntime&>(runtime).run(
      static_cast<int>(tasks),
      [](void* context, int task, int thread) { (*static_cast<const F*>(context))(task, thread); },
      const_cast<void*>(static_cast<const void*>(&f)));
}

// Splits [0, count) into runs of at least `grain` and calls f(from, to) for each.
template <class F> static inline void parallel_range(Runtime& runtime, int64_t count, int64_t grain, F&& f) {
  const int64_t most = int64_t{4} * threads_of(runtime);
  const int64_t tasks = smaller(ceil_div(count, grain), most);
  if (tasks <= 1) return count > 0 ? f(int64_t{0}, count) : void();
  // Runs start at multiples of 64 elements, so that vector loops stay aligned to each other.
  const int64_t run = (ceil_div(count, tasks) + 63) / 64 * 64;
  parallel(runtime, ceil_div(count, run), [&](int64_t task, int) { f(task * run, smaller(count, (task + 1) * run)); });
}

}  // namespace doppel::DOPPEL_ISA
