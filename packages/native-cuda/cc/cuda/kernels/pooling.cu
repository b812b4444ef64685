// Pooling and nearest resizing. The gradients gather: each input element sums what its windows send it, in a fixed
// order.
#include <stdexcept>

#include "../runtime.cuh"

namespace doppel::cuda {

namespace {

struct Window {
  int y0, y1, x0, x1;
  __device__ int pixels() const { return (y1 - y0) * (x1 - x0); }
};

__device__ Window window_of(const PoolShape& s, int oy, int ox) {
  const int y = oy * s.sh - s.top, x = ox * s.sw - s.left;
  return {max(y, 0), min(y + s.kh, s.h), max(x, 0), min(x + s.kw, s.w)};
}

// The first maximum of the window, as row·w + column.
__device__ int winner_of(const PoolShape& s, const Window& w, Global<const float> image, int channel) {
  int best = w.y0 * s.w + w.x0;
  float highest = image[int64_t{best} * s.c + channel];
  for (int iy = w.y0; iy < w.y1; iy++) {
    for (int ix = w.x0; ix < w.x1; ix++) {
      const float v = image[int64_t{iy * s.w + ix} * s.c + channel];
      if (v > highest) highest = v, best = iy * s.w + ix;
    }
  }
  return best;
}

__global__ void pool_kernel(PoolShape s, bool is_max, int64_t count, Global<const float> x, Global<float> y) {
  for (int64_t i = first_index(); i < count; i += index_step()) {
    const int channel = static_cast<int>(i % s.c);
    const int64_t pixel = i / s.c, row = pixel / s.ow;
    const Window w = window_of(s, static_cast<int>(row % s.oh), static_cast<int>(pixel % s.ow));
    const Global<const float> image = x + row / s.oh * s.h * s.w * s.c;
    float result = is_max ? -__builtin_inff() : 0.f;
    for (int iy = w.y0; iy < w.y1; iy++) {
      for (int ix = w.x0; ix < w.x1; ix++) {
        const float v = image[int64_t{iy * s.w + ix} * s.c + channel];
        if (is_max) result = v > result ? v : result;
        else result += v;
      }
    }
    y[i] = is_max || w.pixels() <= 0 ? result : result / static_cast<float>(w.pixels());
  }
}

// Output rows (or columns) whose windows hold input row `at`: from `first` to before `last`.
struct Covering {
  int first, last;
};
__device__ Covering covering(int at, int before, int k, int stride, int outputs) {
  const int lowest = at + before - k + 1;
  return {lowest > 0 ? (lowest + stride - 1) / stride : 0, min((at + before) / stride + 1, outputs)};
}

__global__ void pool_grad_kernel(PoolShape s, bool is_max, int64_t count, Global<const float> dy, Global<const float> x,
                                 Global<float> dx) {
  for (int64_t i = first_index(); i < count; i += index_step()) {
    const int channel = static_cast<int>(i % s.c);
    const int64_t pixel = i / s.c, row = pixel / s.w, image = row / s.h;
    const int iy = static_cast<int>(row % s.h), ix = static_cast<int>(pixel % s.w);
    const Covering rows = covering(iy, s.top, s.kh, s.sh, s.oh), columns = covering(ix, s.left, s.kw, s.sw, s.ow);
    float total = 0;
    for (int oy = rows.first; oy < rows.last; oy++) {
      for (int ox = columns.first; ox < columns.last; ox++) {
        const Window w = window_of(s, oy, ox);
        const float d = dy[((image * s.oh + oy) * s.ow + ox) * s.c + channel];
        if (!is_max) total += d / static_cast<float>(w.pixels());
        else if (winner_of(s, w, x + image * s.h * s.w * s.c, channel) == iy * s.w + ix) total += d;
      }
    }
    dx[i] = total;
  }
}

constexpr int longest_side = 2048;

// By output index the input index that it reads; for the gradient, by input index the first output index that reads it.
struct Axis {
  uint16_t index[longest_side + 1];
};

__global__ void resize_kernel(ResizeNearest s, Axis rows, Axis columns, int64_t count, Global<const float> x,
                              Global<float> y) {
  for (int64_t i = first_index(); i < count; i += index_step()) {
    const int64_t pixel = i / s.c, row = pixel / s.ow;
    const int64_t from = (row / s.oh * s.h + rows.index[row % s.oh]) * s.w + columns.index[pixel % s.ow];
    const float v = x[from * s.c + i % s.c];
    y[i] = v;
  }
}

__global__ void resize_grad_kernel(ResizeNearest s, Axis rows, Axis columns, int64_t count, Global<const float> dy,
                                   Global<float> dx) {
  for (int64_t i = first_index(); i < count; i += index_step()) {
    const int64_t pixel = i / s.c, row = pixel / s.w, image = row / s.h;
    const int iy = static_cast<int>(row % s.h), ix = static_cast<int>(pixel % s.w);
    float total = 0;
    for (int oy = rows.index[iy]; oy < rows.index[iy + 1]; oy++) {
      for (int ox = columns.index[ix]; ox < columns.index[ix + 1]; ox++)
        total += dy[((image * s.oh + oy) * s.ow + ox) * s.c + i % s.c];
    }
    dx[i] = total;
  }
}

void check_side(int side) {
  if (side > longest_side)
    throw std::runtime_error("nearest resizing on a card serves sides up to 2048, this has " + std::to_string(side));
}

Axis read_by(const int* index, int outputs) {
  check_side(outputs);
  Axis axis{};
  for (int i = 0; i < outputs; i++) axis.index[i] = static_cast<uint16_t>(index[i]);
  return axis;
}

// Indices rise, so that what reads one input lies together.
Axis readers_of(const int* index, int outputs, int inputs) {
  check_side(inputs);
  Axis axis{};
  int at = 0;
  for (int i = 0; i < inputs; i++) {
    axis.index[i] = static_cast<uint16_t>(at);
    while (at < outputs && index[at] == i) at++;
  }
  axis.index[inputs] = static_cast<uint16_t>(at);
  if (at != outputs) throw std::runtime_error("the gradient of a nearest resizing needs indices that do not fall");
  return axis;
}

}  // namespace

void pool(const Pool& p, Runtime& runtime) {
  const PoolShape& s = p.shape;
  const int64_t count = int64_t{s.n} * s.oh * s.ow * s.c;
  launch(pool_kernel, grid_for(runtime, count), block_size, stream_of(runtime), s, p.max, count,
         Global<const float>(p.x, int64_t{s.n} * s.h * s.w * s.c), Global<float>(p.y, count));
}

void pool_grad(const PoolGrad& p, Runtime& runtime) {
  const PoolShape& s = p.shape;
  const int64_t count = int64_t{s.n} * s.h * s.w * s.c;
  const Global<const float> x = p.max ? Global<const float>(p.x, count) : Global<const float>();
  launch(pool_grad_kernel, grid_for(runtime, count), block_size, stream_of(runtime), s, p.max, count,
         Global<const float>(p.dy, int64_t{s.n} * s.oh * s.ow * s.c), x, Global<float>(p.dx, count));
}

void resize_nearest(const ResizeNearest& p, Runtime& runtime) {
  const int64_t small = int64_t{p.n} * p.h * p.w * p.c, large = int64_t{p.n} * p.oh * p.ow * p.c;
  const Stream stream = stream_of(runtime);
  ResizeNearest s = p;
  s.rows = s.columns = nullptr;  // the host's
  if (p.gradient) {
    launch(resize_grad_kernel, grid_for(runtime, small), block_size, stream, s, readers_of(p.rows, p.oh, p.h),
           readers_of(p.columns, p.ow, p.w), small, Global<const float>(p.x, large), Global<float>(p.y, small));
  } else {
    launch(resize_kernel, grid_for(runtime, large), block_size, stream, s, read_by(p.rows, p.oh),
           read_by(p.columns, p.ow), large, Global<const float>(p.x, small), Global<float>(p.y, large));
  }
}

}  // namespace doppel::cuda
