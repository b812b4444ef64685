// The gradients of DoppelConv2D as products: by input, of the output pixels that cover a pixel and the turned filter; by filter, of
// the windows turned round and the gradient, split along the pixels.
#include "gemm.cuh"

namespace doppel::cuda {

namespace {

// g = dy · act'(y): once, for the three that read it.
__global__ void activation_grad_kernel(int64_t count, Activation activation, Global<const float> dy, Global<const float> y, Global<float> g) {
  for (int64_t i = first_index(); i < count; i += index_step()) g[i] = activation_gradient(dy[i], y[i], activation);
}

constexpr Epilogue plain() { return {{}, {ActivationKind::linear, 1}}; }

void by_input(const Conv2DBackprop& p, const float* g, Runtime& runtime) {
  const Conv2DShape& s = p.shape;
  const int pixels = s.n * s.h * s.w, k = s.kh * s.kw * s.co;
  if (is_pointwise(s)) return multiply(p.precision, matrix<true>(g, pixels, k), matrix<true>(p.filter, s.ci, k), pixels, s.ci, k, plain(), p.dx, runtime);
  const bool vectors = s.co % 4 == 0;
  const Covering gradient{Global<const float>(g, int64_t{s.n} * s.oh * s.ow * s.co), s, vectors && is_aligned(g)};
  const TurnedFilter filter{Global<const float>(p.filter, int64_t{k} * s.ci), s.ci, s.co, vectors && is_aligned(p.filter)};
  multiply(p.precision, gradient, filter, pixels, s.ci, k, plain(), p.dx, runtime);
}

void by_filter(const Conv2DBackprop& p, const float* g, Runtime& runtime) {
  const Conv2DShape& s = p.shape;
  const int pixels = s.n * s.oh * s.ow, rows = s.kh * s.kw * s.ci;
  const auto gradient = matrix<false>(g, s.co, pixels);
  if (is_pointwise(s)) return multiply(p.precision, matrix<false>(p.x, rows, pixels), gradient, rows, s.co, pixels, plain(), p.dfilter, runtime);
  const WindowsByTap windows{Global<const float>(p.x, int64_t{s.n} * s.h * s.w * s.ci), s, s.ci % 4 == 0 && is_aligned(p.x)};
  multiply(p.precision, windows, gradient, rows, s.co, pixels, plain(), p.dfilter, runtime);
}

}  // namespace

void conv2d_backprop(const Conv2DBackprop& p, Runtime& runtime) {
  const Conv2DShape& s = p.shape;
  const int64_t rows = int64_t{s.n} * s.oh * s.ow, count = rows * s.co;
  const bool plainly = p.activation.kind == ActivationKind::linear;
  const DeviceScratch<float> own(runtime, plainly ? 0 : count);
  if (!plainly) {
    launch(activation_grad_kernel, grid_for(runtime, count), block_size, stream_of(runtime), count, p.activation, Global<const float>(p.dy, count),
           Global<const float>(p.y, count), own.view());
  }
  const float* g = plainly ? p.dy : own.data();
  if (p.dx) by_input(p, g, runtime);
  if (p.dfilter) by_filter(p, g, runtime);
  if (p.dbias) reduce({ReduceOp::sum, Type::float32, 1, rows, s.co, g, p.dbias}, runtime);
}

}  // namespace doppel::cuda
