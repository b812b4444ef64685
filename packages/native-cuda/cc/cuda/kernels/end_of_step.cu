#include "end_of_step.h"

#include "tensor_table.cuh"

namespace doppel::cuda {

namespace {

struct Words {
  int64_t count;
  const uint32_t* from;
  uint32_t* to;
};

// All tensors in one launch, whatever their type.
__global__ void renew_kernel(const __grid_constant__ TensorTable<Words> table) {
  const auto& [words, first_run] = entry_of(table, blockIdx.x);
  const Global<const uint32_t> from(words.from, words.count);
  const Global<uint32_t> to(words.to, words.count);
  const int64_t first = (blockIdx.x - first_run) * tensor_run,
                last = first + tensor_run < words.count ? first + tensor_run : words.count;
  for (int64_t i = first + threadIdx.x; i < last; i += blockDim.x) {
    const uint32_t v = from[i];
    to[i] = v;
  }
}

__global__ void count_replay_kernel(Global<int64_t> replays) { replays[0] += 1; }

}  // namespace

void renew(const std::vector<Renewal>& state, DeviceRuntime& runtime) {
  std::vector<Words> words;
  for (const Renewal& each : state) {
    words.push_back({static_cast<int64_t>(each.bytes / sizeof(uint32_t)), static_cast<const uint32_t*>(each.from),
                     static_cast<uint32_t*>(each.to)});
  }
  each_table(words.data(), static_cast<int>(words.size()), [&](const TensorTable<Words>& table, dim3 grid) {
    launch(renew_kernel, grid, block_size, runtime.stream, table);
  });
}

void count_replay(int64_t* replays, DeviceRuntime& runtime) {
  launch(count_replay_kernel, 1, 1, runtime.stream, Global<int64_t>(replays, 1));
}

}  // namespace doppel::cuda
