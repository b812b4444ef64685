// The gradients of DoppelConv2D as products: by input, of the output pixels that cover a pixel and the turned filter;
// by filter, of the windows turned round and the gradient, split along the pixels. The activation's derivative is part
// of reading dy, and the bias's gradient is summed from what the product by filter reads.
#include "gemm.cuh"

namespace doppel::cuda {

namespace {

constexpr Epilogue plain() { return {{}, {ActivationKind::linear, 1}}; }

bool is_linear(const Conv2DBackprop& p) { return p.activation.kind == ActivationKind::linear; }
int64_t outputs_of(const Conv2DShape& s) { return int64_t{s.n} * s.oh * s.ow * s.co; }

template <class O> Masked<O> masked_by(const Conv2DBackprop& p, const O& gradient, Global<float> totals = {}) {
  return masked(gradient, p.y, outputs_of(p.shape), p.activation, totals);
}

template <class O> void multiply_by_turned(const Conv2DBackprop& p, const O& gradient, Runtime& runtime) {
  const Conv2DShape& s = p.shape;
  const int k = s.kh * s.kw * s.co;
  const TurnedFilter filter{Global<const float>(p.filter, int64_t{k} * s.ci), s.ci, s.co,
                            s.co % 4 == 0 && is_aligned(p.filter)};
  multiply(p.precision, gradient, filter, s.n * s.h * s.w, s.ci, k, plain(), p.dx, runtime);
}

template <class O> void multiply_by_transposed(const Conv2DBackprop& p, const O& gradient, Runtime& runtime) {
  const Conv2DShape& s = p.shape;
  multiply(p.precision, gradient, matrix<true>(p.filter, s.ci, s.co), s.n * s.h * s.w, s.ci, s.co, plain(), p.dx,
           runtime);
}

void by_input(const Conv2DBackprop& p, Runtime& runtime) {
  const Conv2DShape& s = p.shape;
  if (is_pointwise(s)) {
    const auto gradient = matrix<true>(p.dy, s.n * s.h * s.w, s.co);
    return is_linear(p) ? multiply_by_transposed(p, gradient, runtime)
                        : multiply_by_transposed(p, masked_by(p, gradient), runtime);
  }
  const Covering gradient{Global<const float>(p.dy, outputs_of(s)), s, s.co % 4 == 0 && is_aligned(p.dy)};
  if (is_linear(p)) multiply_by_turned(p, gradient, runtime);
  else multiply_by_turned(p, masked_by(p, gradient), runtime);
}

template <class O> void multiply_windows(const Conv2DBackprop& p, const O& gradient, Runtime& runtime) {
  const Conv2DShape& s = p.shape;
  const int pixels = s.n * s.oh * s.ow, rows = s.kh * s.kw * s.ci;
  if (is_pointwise(s))
    return multiply(p.precision, matrix<false>(p.x, rows, pixels), gradient, rows, s.co, pixels, plain(), p.dfilter,
                    runtime);
  const WindowsByTap windows{Global<const float>(p.x, int64_t{s.n} * s.h * s.w * s.ci), s,
                             s.ci % 4 == 0 && is_aligned(p.x)};
  multiply(p.precision, windows, gradient, rows, s.co, pixels, plain(), p.dfilter, runtime);
}

// A thread for each run of pixels of each channel: part [runs, channels].
__global__ void masked_sums_kernel(int64_t pixels, int64_t run, int64_t items, int channels, Activation activation,
                                   Global<const float> dy, Global<const float> y, Global<float> part) {
  for (int64_t i = first_index(); i < items; i += index_step()) {
    const int64_t first = i / channels * run, last = first + run < pixels ? first + run : pixels;
    gemm::CompensatedSum sum;
    for (int64_t pixel = first; pixel < last; pixel++) {
      const int64_t at = pixel * channels + i % channels;
      sum.add(activation_gradient(dy[at], y[at], activation));
    }
    part[i] = sum.sum;
  }
}

void sum_parts(const Global<float>& part, int64_t parts, int channels, float* dbias, Runtime& runtime) {
  launch(gemm::sum_parts_kernel, grid_for(runtime, channels), block_size, stream_of(runtime), int64_t{channels},
         channels, static_cast<int>(parts), plain(), Global<const float>(part), Global<float>(dbias, channels));
}

// Where the filter's gradient is not wanted, and nobody else reads dy for it.
void by_bias_alone(const Conv2DBackprop& p, Runtime& runtime) {
  constexpr int64_t run = 1024;
  const int channels = p.shape.co;
  const int64_t pixels = outputs_of(p.shape) / channels, parts = ceil_div(pixels, run);
  const DeviceScratch<float> part(runtime, parts * channels);
  launch(masked_sums_kernel, grid_for(runtime, parts * channels), block_size, stream_of(runtime), pixels, run,
         parts * channels, channels, p.activation, Global<const float>(p.dy, pixels * channels),
         Global<const float>(p.y, pixels * channels), part.view());
  sum_parts(part.view(), parts, channels, p.dbias, runtime);
}

void by_filter_and_bias(const Conv2DBackprop& p, Runtime& runtime) {
  const Conv2DShape& s = p.shape;
  const int pixels = s.n * s.oh * s.ow, parts = split_of(s.kh * s.kw * s.ci, s.co, pixels, runtime).parts;
  const DeviceScratch<float> totals(runtime, p.dbias ? int64_t{parts} * s.co : 0);
  multiply_windows(p, masked_by(p, matrix<false>(p.dy, s.co, pixels), p.dbias ? totals.view() : Global<float>()),
                   runtime);
  if (p.dbias) sum_parts(totals.view(), parts, s.co, p.dbias, runtime);
}

}  // namespace

void conv2d_backprop(const Conv2DBackprop& p, Runtime& runtime) {
  const Conv2DShape& s = p.shape;
  const int pixels = s.n * s.oh * s.ow;
  if (p.dx) by_input(p, runtime);
  if (is_linear(p)) {
    if (p.dfilter) multiply_windows(p, matrix<false>(p.dy, s.co, pixels), runtime);
    if (p.dbias) reduce({ReduceOp::sum, Type::float32, 1, pixels, s.co, p.dy, p.dbias}, runtime);
  } else if (p.dfilter) {
    by_filter_and_bias(p, runtime);
  } else if (p.dbias) {
    by_bias_alone(p, runtime);
  }
}

}  // namespace doppel::cuda
