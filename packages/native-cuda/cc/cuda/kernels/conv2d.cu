// DoppelConv2D as a product of windows and filter (implicit GEMM); few channels by a kernel of their own.
#include "gemm.cuh"

namespace doppel::cuda {

namespace {

constexpr int few_channels = 3, most_filter = 4096;  // 16 KB of shared memory

// A thread for four output channels of a pixel: with few input channels, most of a tile of gemm.cuh would be padding.
// occupancy: conv2d_few_kernel 256 threads, 4 blocks
__global__ void __launch_bounds__(block_size, 4)
    conv2d_few_kernel(Conv2DShape s, int64_t items, Global<const float> x, Global<const float> filter, Epilogue end,
                      Global<float> y) {
  DOPPEL_SHARED(float, weights, most_filter);
  const int size = s.kh * s.kw * s.ci * s.co, quads = (s.co + 3) / 4;
  for (int i = threadIdx.x; i < size; i += blockDim.x) {
    const float v = filter[i];
    weights[i] = v;
  }
  __syncthreads();
  for (int64_t item = first_index(); item < items; item += index_step()) {
    const int64_t pixel = item / quads, row = pixel / s.ow, image = row / s.oh;
    const int first = static_cast<int>(item - pixel * quads) * 4, channels = min(4, s.co - first);
    const int top = static_cast<int>(row - image * s.oh) * s.stride - s.top,
              left = static_cast<int>(pixel - row * s.ow) * s.stride - s.left;
    float sum[4] = {};
    for (int ky = 0; ky < s.kh; ky++) {
      const int iy = top + ky * s.dilation;
      if (iy < 0 || iy >= s.h) continue;
      for (int kx = 0; kx < s.kw; kx++) {
        const int ix = left + kx * s.dilation;
        if (ix < 0 || ix >= s.w) continue;
        for (int c = 0; c < s.ci; c++) {
          const float v = x[((image * s.h + iy) * s.w + ix) * s.ci + c];
          const int at = ((ky * s.kw + kx) * s.ci + c) * s.co + first;
#pragma unroll
          for (int j = 0; j < 4; j++) {
            if (j < channels) sum[j] += v * weights[at + j];
          }
        }
      }
    }
#pragma unroll
    for (int j = 0; j < 4; j++) {
      if (j >= channels) continue;
      const float bias = end.bias ? end.bias[first + j] : 0.f;
      y[pixel * s.co + first + j] = activate(sum[j] + bias, end.activation);
    }
  }
}

}  // namespace

void conv2d(const Conv2D& p, Runtime& runtime) {
  const Conv2DShape& s = p.shape;
  const int pixels = s.n * s.oh * s.ow, k = s.kh * s.kw * s.ci;
  const Epilogue end{p.bias ? Global<const float>(p.bias, s.co) : Global<const float>(), p.activation};
  if (s.ci <= few_channels && k * s.co <= most_filter) {
    const int64_t items = int64_t{pixels} * ceil_div(s.co, 4);
    launch(conv2d_few_kernel, grid_for(runtime, items), block_size, stream_of(runtime), s, items,
           Global<const float>(p.x, int64_t{s.n} * s.h * s.w * s.ci), Global<const float>(p.filter, int64_t{k} * s.co),
           end, Global<float>(p.y, int64_t{pixels} * s.co));
    return;
  }
  const auto filter = matrix<false>(p.filter, s.co, k);
  if (is_pointwise(s))
    return multiply(p.precision, matrix<true>(p.x, pixels, k), filter, pixels, s.co, k, end, p.y, runtime);
  multiply(p.precision,
           Windows{Global<const float>(p.x, int64_t{s.n} * s.h * s.w * s.ci), s, s.ci % 4 == 0 && is_aligned(p.x)},
           filter, pixels, s.co, k, end, p.y, runtime);
}

}  // namespace doppel::cuda
