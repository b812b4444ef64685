// Philox4x32-10 (Salmon et al., SC 2011) and the reparameterisation built on it; the same words as core's philox.ts.
#include "block_sum.cuh"

namespace doppel::cuda {

namespace {

struct Words {
  uint32_t w[4];
};

__device__ Words philox4x32(uint64_t counter, uint64_t key) {
  uint32_t c0 = static_cast<uint32_t>(counter), c1 = static_cast<uint32_t>(counter >> 32), c2 = 0, c3 = 0;
  uint32_t k0 = static_cast<uint32_t>(key), k1 = static_cast<uint32_t>(key >> 32);
  for (int round = 0; round < 10; round++) {
    const uint64_t a = uint64_t{0xd2511f53} * c0, b = uint64_t{0xcd9e8d57} * c2;
    c0 = static_cast<uint32_t>(b >> 32) ^ c1 ^ k0;
    c1 = static_cast<uint32_t>(b);
    c2 = static_cast<uint32_t>(a >> 32) ^ c3 ^ k1;
    c3 = static_cast<uint32_t>(a);
    k0 += 0x9e3779b9;
    k1 += 0xbb67ae85;
  }
  return {{c0, c1, c2, c3}};
}

constexpr float two_minus_24 = 1.f / 16777216;

// Box-Muller on a pair of words, the first shifted to (0, 1]. The angle is 2π times a number of 24 bits, and sincospif takes
// it without rounding.
__device__ float2 normal_pair(uint32_t first, uint32_t second) {
  const float u = static_cast<float>((first >> 8) + 1) * two_minus_24;
  const float radius = sqrtf(-2 * logf(u));
  float sine, cosine;
  sincospif(static_cast<float>(second >> 8) * (2 * two_minus_24), &sine, &cosine);
  return make_float2(radius * cosine, radius * sine);
}

// The four normals of a counter.
__device__ float4 normals_of(const Words& words) {
  const float2 a = normal_pair(words.w[0], words.w[1]), b = normal_pair(words.w[2], words.w[3]);
  return make_float4(a.x, a.y, b.x, b.y);
}

struct Draw {
  uint64_t seed, offset;
  Replays replays;

  __device__ uint64_t first() const { return offset + replays.counters(); }
};

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

__device__ float normal_at(uint64_t seed, uint64_t offset, int64_t i) {
  const Words words = philox4x32(offset + static_cast<uint64_t>(i / 4), seed);
  const int pair = static_cast<int>(i % 4) / 2 * 2;
  const float2 drawn = normal_pair(words.w[pair], words.w[pair + 1]);
  return i % 2 == 0 ? drawn.x : drawn.y;
}

constexpr int rows_a_block = block_size / 32;

// A warp for each row: draws, moves and sums KL in one launch.
__global__ void reparameterize_kernel(int64_t n, int64_t d, Draw draw, Global<const float> mu, Global<const float> logvar, Global<const float> eps, Global<float> z,
                                      Global<float> kl, Global<float> eps_out) {
  const int lane = threadIdx.x % 32;
  const uint64_t offset = draw.first();
  for (int64_t row = int64_t{blockIdx.x} * rows_a_block + threadIdx.x / 32; row < n; row += int64_t{gridDim.x} * rows_a_block) {
    double total = 0;
    for (int64_t i = row * d + lane; i < (row + 1) * d; i += 32) {
      const float noise = eps ? static_cast<float>(eps[i]) : normal_at(draw.seed, offset, i);
      const float mean = mu[i], log_variance = logvar[i];
      const double variance = ::exp(static_cast<double>(log_variance));
      z[i] = static_cast<float>(mean + ::sqrt(variance) * noise);
      eps_out[i] = noise;
      total += 1 + static_cast<double>(log_variance) - static_cast<double>(mean) * mean - variance;
    }
    total = warp_sum(total);
    if (lane == 0) kl[row] = static_cast<float>(-0.5 * total);
  }
}

__global__ void reparameterize_grad_kernel(int64_t count, int64_t d, Global<const float> dz, Global<const float> dkl, Global<const float> mu, Global<const float> logvar,
                                           Global<const float> eps, Global<float> dmu, Global<float> dlogvar) {
  for (int64_t i = first_index(); i < count; i += index_step()) {
    const float by_z = dz[i], by_kl = dkl[i / d], mean = mu[i], log_variance = logvar[i], noise = eps[i];
    const double variance = ::exp(static_cast<double>(log_variance));
    dmu[i] = by_z + by_kl * mean;
    dlogvar[i] = static_cast<float>(0.5 * (by_z * noise * ::sqrt(variance) + by_kl * (variance - 1)));
  }
}

}  // namespace

void philox(const Philox& p, Runtime& runtime) {
  if (p.count == 0) return;
  launch(philox_kernel, grid_for(runtime, ceil_div(p.count, 4)), block_size, stream_of(runtime), p.normal, Draw{p.seed, p.offset, device_of(runtime).replays}, p.count, Global<float>(p.y, p.count));
}

void reparameterize(const Reparameterize& p, Runtime& runtime) {
  const int64_t count = p.n * p.d;
  const Global<const float> eps = p.eps ? Global<const float>(p.eps, count) : Global<const float>();
  launch(reparameterize_kernel, grid_for(runtime, p.n * 32), block_size, stream_of(runtime), p.n, p.d, Draw{p.seed, p.offset, device_of(runtime).replays}, Global<const float>(p.mu, count),
         Global<const float>(p.logvar, count), eps, Global<float>(p.z, count), Global<float>(p.kl, p.n), Global<float>(p.eps_out, count));
}

void reparameterize_backprop(const ReparameterizeBackprop& p, Runtime& runtime) {
  const int64_t count = p.n * p.d;
  auto in = [&](const float* data) { return Global<const float>(data, count); };
  launch(reparameterize_grad_kernel, grid_for(runtime, count), block_size, stream_of(runtime), count, p.d, in(p.dz), Global<const float>(p.dkl, p.n), in(p.mu), in(p.logvar),
         in(p.eps), Global<float>(p.dmu, count), Global<float>(p.dlogvar, count));
}

}  // namespace doppel::cuda
