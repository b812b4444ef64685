// Uniform and normal numbers of Philox.
#include "philox.cuh"

namespace doppel::cuda {

namespace {

// The four normals of a counter.
__device__ float4 normals_of(const Words& words) {
  const float2 a = normal_pair(words.w[0], words.w[1]), b = normal_pair(words.w[2], words.w[3]);
  return make_float4(a.x, a.y, b.x, b.y);
}

__global__ void philox_kernel(bool normal, Draw draw, int64_t count, Global<float> y) {
  const uint64_t offset = draw.first();
  for (int64_t group = first_index(); group * 4 < count; group += index_step()) {
    const Words words = philox4x32(offset + static_cast<uint64_t>(group), draw.seed);
    float values[4];
    if (normal) {
      const float4 drawn = normals_of(words);
      values[0] = drawn.x, values[1] = drawn.y, values[2] = drawn.z, values[3] = drawn.w;
    } else {
      for (int i = 0; i < 4; i++) values[i] = static_cast<float>(words.w[i] >> 8) * two_minus_24;
    }
    for (int i = 0; i < 4; i++) {
      if (group * 4 + i < count) y[group * 4 + i] = values[i];
    }
  }
}

}  // namespace

void philox(const Philox& p, Runtime& runtime) {
  if (p.count == 0) return;
  launch(philox_kernel, grid_for(runtime, ceil_div(p.count, 4)), block_size, stream_of(runtime), p.normal,
         Draw{p.seed, p.offset, device_of(runtime).replays}, p.count, Global<float>(p.y, p.count));
}

}  // namespace doppel::cuda
