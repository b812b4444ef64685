// Pixel normalisation, forward and backward.
#include "block_sum.cuh"

namespace doppel::cuda {

namespace {

constexpr int rows_a_block = block_size / 32;

// A warp for each row.
__global__ void pixel_norm_kernel(int64_t rows, int c, float epsilon, float weight, Global<const float> dy,
                                  Global<const float> x, Global<float> y) {
  const int lane = threadIdx.x % 32;
  for (int64_t row = int64_t{blockIdx.x} * rows_a_block + threadIdx.x / 32; row < rows;
       row += int64_t{gridDim.x} * rows_a_block) {
    float squares = 0, along = 0;
    for (int j = lane; j < c; j += 32) {
      const float v = x[row * c + j];
      squares += v * v;
      if (dy) along += v * dy[row * c + j];
    }
    squares = warp_sum(squares), along = warp_sum(along);
    const float r = 1.f / sqrtf(squares * weight + epsilon), k = along * weight * r * r * r;
    for (int j = lane; j < c; j += 32) {
      const float v = x[row * c + j];
      y[row * c + j] = dy ? dy[row * c + j] * r - v * k : v * r;
    }
  }
}

}  // namespace

void pixel_norm(const PixelNorm& p, Runtime& runtime) {
  if (p.rows == 0) return;
  const int64_t count = p.rows * p.c;
  const Global<const float> dy = p.dy ? Global<const float>(p.dy, count) : Global<const float>();
  launch(pixel_norm_kernel, grid_for(runtime, p.rows * 32), block_size, stream_of(runtime), p.rows, p.c, p.epsilon,
         p.weight, dy, Global<const float>(p.x, count), Global<float>(p.y, count));
}

}  // namespace doppel::cuda
