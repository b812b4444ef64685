// Peak of multiply-adds on registers, and of a copy through memory: the one op that waits for the card.
#include <chrono>

#include "../runtime.cuh"

namespace doppel::cuda {

namespace {

constexpr int chains = 16;

__global__ void multiply_adds_kernel(int rounds, float start, Global<float> sink) {
  float sums[chains];
#pragma unroll
  for (int i = 0; i < chains; i++) sums[i] = static_cast<float>(i);
  for (int round = 0; round < rounds; round++) {
#pragma unroll
    for (int i = 0; i < chains; i++) sums[i] = sums[i] * start + 0.5f;
  }
  float total = 0;
#pragma unroll
  for (int i = 0; i < chains; i++) total += sums[i];
  sink[first_index()] = total;
}

__global__ void copy_kernel(int64_t fours, Global<const float> from, Global<float> to) {
  for (int64_t i = first_index(); i < fours; i += index_step()) to.store4(i * 4, from.load4(i * 4));
}

// Seconds of the fastest of several.
template <class F> double fastest(Stream stream, F f) {
  double best = 1e9;
  for (int repeat = 0; repeat < 5; repeat++) {
    const auto start = std::chrono::steady_clock::now();
    f();
    synchronize(stream);
    const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    if (repeat > 0 && seconds < best) best = seconds;  // the first touches the pages
  }
  return best;
}

float gigaflops(Runtime& runtime) {
  const int multiprocessors = device_of(runtime).multiprocessors, rounds = multiprocessors > 1 ? 20000 : 10;
  const int64_t threads = int64_t{multiprocessors} * 2048;
  const DeviceScratch<float> sink(runtime, threads);
  const double seconds = fastest(stream_of(runtime), [&] {
    launch(multiply_adds_kernel, dim3(static_cast<unsigned>(threads / block_size)), block_size, stream_of(runtime),
           rounds, 0.999f, sink.view());
  });
  return static_cast<float>(2e-9 * chains * rounds * static_cast<double>(threads) / seconds);
}

// Far more than the card's caches hold, if it has so much memory.
float bandwidth(Runtime& runtime) {
  const int64_t wanted = int64_t{256} << 20, quarter = static_cast<int64_t>(device_space().free / 4);
  const int64_t bytes =
                    device_of(runtime).multiprocessors > 1 ? (wanted < quarter ? wanted : quarter) : int64_t{1} << 16,
                fours = bytes / 16;
  const DeviceScratch<float> from(runtime, fours * 4), to(runtime, fours * 4);
  const Stream stream = stream_of(runtime);
  fill_bytes(from.data(), 0, static_cast<size_t>(fours) * 16, stream);
  const double seconds = fastest(stream, [&] {
    launch(copy_kernel, grid_for(runtime, fours), block_size, stream, fours, from.view(), to.view());
  });
  return static_cast<float>(2e-9 * 16 * static_cast<double>(fours) / seconds);
}

}  // namespace

void measure(const Measure& p, Runtime& runtime) {
  const float result = p.bandwidth ? bandwidth(runtime) : gigaflops(runtime);
  copy_to_device(p.result, &result, sizeof result, stream_of(runtime));
}

}  // namespace doppel::cuda
