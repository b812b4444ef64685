// Reparameterisation with its divergence, forward and backward; the noise is Philox's.
#include "block_sum.cuh"
#include "philox.cuh"

namespace doppel::cuda {

namespace {

__device__ float normal_at(uint64_t seed, uint64_t offset, int64_t i) {
  const Words words = philox4x32(offset + static_cast<uint64_t>(i / 4), seed);
  const int pair = static_cast<int>(i % 4) / 2 * 2;
  const float2 drawn = normal_pair(words.w[pair], words.w[pair + 1]);
  return i % 2 == 0 ? drawn.x : drawn.y;
}

constexpr int rows_a_block = block_size / 32;

// A warp for each row: draws, moves and sums KL in one launch.
__global__ void reparameterize_kernel(int64_t n, int64_t d, Draw draw, Global<const float> mu,
                                      Global<const float> logvar, Global<const float> eps, Global<float> z,
                                      Global<float> kl, Global<float> eps_out) {
  const int lane = threadIdx.x % 32;
  const uint64_t offset = draw.first();
  for (int64_t row = int64_t{blockIdx.x} * rows_a_block + threadIdx.x / 32; row < n;
       row += int64_t{gridDim.x} * rows_a_block) {
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

__global__ void reparameterize_grad_kernel(int64_t count, int64_t d, Global<const float> dz, Global<const float> dkl,
                                           Global<const float> mu, Global<const float> logvar, Global<const float> eps,
                                           Global<float> dmu, Global<float> dlogvar) {
  for (int64_t i = first_index(); i < count; i += index_step()) {
    const float by_z = dz[i], by_kl = dkl[i / d], mean = mu[i], log_variance = logvar[i], noise = eps[i];
    const double variance = ::exp(static_cast<double>(log_variance));
    dmu[i] = by_z + by_kl * mean;
    dlogvar[i] = static_cast<float>(0.5 * (by_z * noise * ::sqrt(variance) + by_kl * (variance - 1)));
  }
}

}  // namespace

void reparameterize(const Reparameterize& p, Runtime& runtime) {
  const int64_t count = p.n * p.d;
  const Global<const float> eps = p.eps ? Global<const float>(p.eps, count) : Global<const float>();
  launch(reparameterize_kernel, grid_for(runtime, p.n * 32), block_size, stream_of(runtime), p.n, p.d,
         Draw{p.seed, p.offset, device_of(runtime).replays}, Global<const float>(p.mu, count),
         Global<const float>(p.logvar, count), eps, Global<float>(p.z, count), Global<float>(p.kl, p.n),
         Global<float>(p.eps_out, count));
}

void reparameterize_backprop(const ReparameterizeBackprop& p, Runtime& runtime) {
  const int64_t count = p.n * p.d;
  auto in = [&](const float* data) { return Global<const float>(data, count); };
  launch(reparameterize_grad_kernel, grid_for(runtime, count), block_size, stream_of(runtime), count, p.d, in(p.dz),
         Global<const float>(p.dkl, p.n), in(p.mu), in(p.logvar), in(p.eps), Global<float>(p.dmu, count),
         Global<float>(p.dlogvar, count));
}

}  // namespace doppel::cuda
