// Bilinear up-sampling. The gradient gathers: each input element sums what it gave to outputs, in a fixed order.
#include "../runtime.cuh"

namespace doppel::cuda {

namespace {

__global__ void upsample_kernel(UpsampleBilinear s, int64_t count, Global<const float> x, Global<float> y) {
  for (int64_t i = first_index(); i < count; i += index_step()) {
    const int64_t pixel = i / s.c, row = pixel / s.ow;
    const BilinearPlace down = BilinearPlace::of(static_cast<int>(row % s.oh), s.h, s.oh),
                        right = BilinearPlace::of(static_cast<int>(pixel % s.ow), s.w, s.ow);
    const int below = down.share > 0 ? 1 : 0, beside = right.share > 0 ? 1 : 0;
    const int64_t at = ((row / s.oh * s.h + down.first) * s.w + right.first) * s.c + i % s.c;
    const int64_t under = at + int64_t{below} * s.w * s.c;
    const float upper = x[at] * (1 - right.share) + x[at + beside * s.c] * right.share,
                lower = x[under] * (1 - right.share) + x[under + beside * s.c] * right.share;
    y[i] = upper * (1 - down.share) + lower * down.share;
  }
}

__global__ void upsample_grad_kernel(UpsampleBilinear s, int64_t count, Global<const float> dy, Global<float> dx) {
  for (int64_t i = first_index(); i < count; i += index_step()) {
    const int64_t pixel = i / s.c, row = pixel / s.w, image = row / s.h;
    const int iy = static_cast<int>(row % s.h), ix = static_cast<int>(pixel % s.w);
    const BilinearPlace::Readers rows = BilinearPlace::readers_of(iy, s.h, s.oh),
                                 columns = BilinearPlace::readers_of(ix, s.w, s.ow);
    float total = 0;
    for (int oy = rows.first; oy < rows.last; oy++) {
      const float by_row = BilinearPlace::of(oy, s.h, s.oh).weight_of(iy);
      if (!(by_row > 0)) continue;
      for (int ox = columns.first; ox < columns.last; ox++) {
        const float weight = by_row * BilinearPlace::of(ox, s.w, s.ow).weight_of(ix);
        if (weight > 0) total += weight * dy[((image * s.oh + oy) * s.ow + ox) * s.c + i % s.c];
      }
    }
    dx[i] = total;
  }
}

}  // namespace

void upsample_bilinear(const UpsampleBilinear& p, Runtime& runtime) {
  const int64_t small = int64_t{p.n} * p.h * p.w * p.c, large = int64_t{p.n} * p.oh * p.ow * p.c;
  if (p.gradient)
    launch(upsample_grad_kernel, grid_for(runtime, small), block_size, stream_of(runtime), p, small,
           Global<const float>(p.x, large), Global<float>(p.y, small));
  else
    launch(upsample_kernel, grid_for(runtime, large), block_size, stream_of(runtime), p, large,
           Global<const float>(p.x, small), Global<float>(p.y, large));
}

}  // namespace doppel::cuda
