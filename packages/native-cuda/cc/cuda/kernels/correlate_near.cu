// Correlation of maps at near displacements, and its gradients.
#include "block_sum.cuh"

namespace doppel::cuda {

namespace {

constexpr int outputs_a_block = block_size / 32;

// The shape with what follows from it.
struct Maps : CorrelateNearShape {
  int side;
  int64_t map, outputs;  // elements of a map, and of y

  explicit Maps(const CorrelateNearShape& s)
      : CorrelateNearShape(s), side(s.side()), map(s.map()), outputs(s.y_count()) {}
};

// A warp for each map and displacement. Neighbours read neighbours: a run of columns lies together.
__global__ void correlate_near_kernel(Maps s, Global<const float> a, Global<const float> b, Global<float> y) {
  const int lane = threadIdx.x % 32, side = s.side;
  for (int64_t i = int64_t{blockIdx.x} * outputs_a_block + threadIdx.x / 32; i < s.outputs;
       i += int64_t{gridDim.x} * outputs_a_block) {
    const int by = static_cast<int>(i / side % side) - s.reach, bx = static_cast<int>(i % side) - s.reach;
    const int64_t n = i / side / side, of_a = s.single_a ? 0 : n * s.map, of_b = s.single_b ? 0 : n * s.map;
    const int first = bx < 0 ? -bx : 0, last = bx > 0 ? s.w - bx : s.w;
    const int64_t run = int64_t{last - first} * s.c;
    float total = 0;
    for (int row = by < 0 ? -by : 0; row < s.h && row + by < s.h; row++) {
      const int64_t at_a = of_a + (int64_t{row} * s.w + first) * s.c,
                    at_b = of_b + (int64_t{row + by} * s.w + first + bx) * s.c;
      for (int64_t j = lane; j < run; j += 32) total += a[at_a + j] * b[at_b + j];
    }
    total = warp_sum(total);
    if (lane == 0) y[i] = total / (static_cast<float>(s.h) * static_cast<float>(s.w));
  }
}

// A thread for each element of one side's gradient, da by b at sign 1 and db by a at −1: Σ dy[by, bx] · other displaced
// by sign·(by, bx), over all maps for a single one.
__global__ void correlate_near_grad_kernel(Maps s, int sign, bool single, bool single_other, Global<const float> dy,
                                           Global<const float> other, Global<float> d) {
  const int side = s.side;
  for (int64_t i = first_index(); i < (single ? s.map : s.n * s.map); i += index_step()) {
    const int channel = static_cast<int>(i % s.c), x = static_cast<int>(i / s.c % s.w),
              y = static_cast<int>(i / s.c / s.w % s.h);
    const int64_t map = i / s.map;
    float total = 0;
    for (int64_t n = map; n < (single ? s.n : map + 1); n++) {
      for (int place = 0; place < side * side; place++) {
        const int row = y + sign * (place / side - s.reach), column = x + sign * (place % side - s.reach);
        if (row < 0 || row >= s.h || column < 0 || column >= s.w) continue;
        const int64_t at = (single_other ? 0 : n * s.map) + (int64_t{row} * s.w + column) * s.c + channel;
        total += dy[n * side * side + place] * other[at];
      }
    }
    d[i] = total / (static_cast<float>(s.h) * static_cast<float>(s.w));
  }
}

}  // namespace

void correlate_near(const CorrelateNear& p, Runtime& runtime) {
  const Maps s(p.shape);
  launch(correlate_near_kernel, grid_for(runtime, s.y_count() * 32), block_size, stream_of(runtime), s,
         Global<const float>(p.a, s.a_count()), Global<const float>(p.b, s.b_count()), Global<float>(p.y, s.y_count()));
}

void correlate_near_backprop(const CorrelateNearBackprop& p, Runtime& runtime) {
  const Maps s(p.shape);
  const Global<const float> dy(p.dy, s.y_count()), a(p.a, s.a_count()), b(p.b, s.b_count());
  launch(correlate_near_grad_kernel, grid_for(runtime, s.a_count()), block_size, stream_of(runtime), s, 1, s.single_a,
         s.single_b, dy, b, Global<float>(p.da, s.a_count()));
  launch(correlate_near_grad_kernel, grid_for(runtime, s.b_count()), block_size, stream_of(runtime), s, -1, s.single_b,
         s.single_a, dy, a, Global<float>(p.db, s.b_count()));
}

}  // namespace doppel::cuda
