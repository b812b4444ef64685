// Peak of multiply-adds on registers, and of a copy through memory, on all threads.
#include <time.h>

#include "table.h"

namespace doppel::DOPPEL_ISA {

namespace {

double now() {
  timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return static_cast<double>(t.tv_sec) + 1e-9 * static_cast<double>(t.tv_nsec);
}

constexpr int chains = 2 * tile_rows;  // as many as the register block of the matrix kernels
constexpr int64_t rounds = 4000000;

// The sum is returned so that the compiler must do the work.
float multiply_adds(float start) {
  Vec acc[chains];
  const Vec a = splat(start), b = splat(0.5f);
  for (int i = 0; i < chains; i++) acc[i] = splat(static_cast<float>(i));
  for (int64_t round = 0; round < rounds; round++) {
#pragma GCC unroll 32
    for (int i = 0; i < chains; i++) acc[i] = acc[i] * a + b;
  }
  Vec total{};
  for (int i = 0; i < chains; i++) total += acc[i];
  return sum_of(total);
}

}  // namespace

void measure(const Measure& p, Runtime& runtime) {
  const int threads = threads_of(runtime);
  if (!p.bandwidth) {
    Scratch sink(runtime, threads);
    const double start = now();
    parallel(runtime, threads, [&](int64_t task, int) { sink.data()[task] = multiply_adds(0.999f); });
    *p.result = static_cast<float>(2e-9 * chains * lanes * rounds * threads / (now() - start));
    return;
  }
  constexpr int64_t count = int64_t{32} << 20;  // 128 MB each way
  Scratch from(runtime, count), to(runtime, count);
  double best = 1e9;
  for (int repeat = 0; repeat < 4; repeat++) {
    const double start = now();
    parallel(runtime, threads, [&](int64_t task, int) {
      const int64_t first = count / threads * task / lanes * lanes, last = count / threads * (task + 1) / lanes * lanes;
      for (int64_t i = first; i < last; i += lanes) store(to.data() + i, load(from.data() + i) + splat(1));
    });
    if (repeat > 0) best = smaller(best, now() - start);  // the first touches the pages
  }
  *p.result = static_cast<float>(8e-9 * count / best);
}

}  // namespace doppel::DOPPEL_ISA
