// Batch normalisation: with training statistics, with given ones, and backward; formulas as in
// native/kernels/batch_norm.cc.
#include "block_sum.cuh"

namespace doppel::cuda {

namespace {

constexpr int lanes = 32, row_threads = 8;  // a block covers 32 channels, 8 rows at a time
constexpr int64_t run = 512;                // rows of a block

// What the sums of a pass are over, by element.
struct Moments {
  Global<const float> x;
  int c;
  // Around the first row's values instead of 0: the variance as a difference of squares would lose digits otherwise.
  __device__ float2 operator()(int64_t row, int channel) const {
    const float v = x[row * c + channel], origin = x[channel];
    const float d = v - origin;
    return make_float2(d, d * d);
  }
};

struct Gradients {
  Global<const float> dy, x, mean, rsigma, gamma, beta;
  int c;
  Activation activation;

  // g and the normalised input
  __device__ float2 at(int64_t row, int channel) const {
    const float m = mean[channel], r = rsigma[channel], v = x[row * c + channel], d = dy[row * c + channel];
    const float normalised = (v - m) * r;
    if (activation.kind == ActivationKind::linear) return make_float2(d, normalised);
    const float scale = gamma[channel], shift = beta[channel];
    return make_float2(activation_gradient(d, normalised * scale + shift, activation), normalised);
  }
  __device__ float2 operator()(int64_t row, int channel) const {
    const float2 g = at(row, channel);
    return make_float2(g.x, g.x * g.y);
  }
};

// Sums over rows of two quantities by channel: part [runs, 2, c].
template <class F> __global__ void channel_sums_kernel(F f, int64_t rows, int c, Global<double> part) {
  DOPPEL_SHARED(double, a, lanes* row_threads);
  DOPPEL_SHARED(double, b, lanes* row_threads);
  const int t = threadIdx.x, channel = blockIdx.y * lanes + t % lanes;
  const int64_t first = blockIdx.x * run, last = first + run < rows ? first + run : rows;
  double sum = 0, other = 0;
  if (channel < c) {
    for (int64_t row = first + t / lanes; row < last; row += row_threads) {
      const float2 v = f(row, channel);
      sum += v.x, other += v.y;
    }
  }
  a[t] = sum, b[t] = other;
  for (int active = row_threads / 2; active > 0; active /= 2) {
    __syncthreads();
    if (t < active * lanes) a[t] += a[t + active * lanes], b[t] += b[t + active * lanes];
  }
  if (t < lanes && channel < c) {
    part[(int64_t{blockIdx.x} * 2) * c + channel] = a[t];
    part[(int64_t{blockIdx.x} * 2 + 1) * c + channel] = b[t];
  }
}

struct Sums {
  double a, b;
};

__device__ Sums total_of(Global<const double> part, int64_t runs, int c, int channel) {
  Sums total{0, 0};
  for (int64_t i = 0; i < runs; i++) {
    total.a += part[i * 2 * c + channel];
    total.b += part[(i * 2 + 1) * c + channel];
  }
  return total;
}

template <class F>
void channel_sums(const F& f, int64_t rows, int c, const DeviceScratch<double>& part, Runtime& runtime) {
  const dim3 grid(static_cast<unsigned>(ceil_div(rows, run)), static_cast<unsigned>(ceil_div(c, lanes)));
  launch(channel_sums_kernel<F>, grid, lanes * row_threads, stream_of(runtime), f, rows, c, part.view());
}

__global__ void statistics_kernel(Global<const double> part, int64_t runs, int64_t rows, int c, float epsilon,
                                  Global<const float> x, Global<const float> gamma, Global<float> mean,
                                  Global<float> variance, Global<float> scale) {
  const int channel = static_cast<int>(first_index());
  if (channel >= c) return;
  const Sums total = total_of(part, runs, c, channel);
  const double count = static_cast<double>(rows), d = total.a / count, spread = total.b / count - d * d;
  const double v = spread < 0 ? 0 : spread;
  const float origin = x[channel], g = gamma[channel];
  mean[channel] = static_cast<float>(origin + d);
  variance[channel] = static_cast<float>(v);
  scale[channel] = static_cast<float>(g / ::sqrt(v + epsilon));
}

// y = act((x − mean)·scale + shift); no shift is 0.
__global__ void affine_kernel(int64_t count, int c, Activation activation, Global<const float> x,
                              Global<const float> mean, Global<const float> scale, Global<const float> shift,
                              Global<float> y) {
  for (int64_t i = first_index(); i < count; i += index_step()) {
    const int channel = static_cast<int>(i % c);
    const float v = x[i], m = mean[channel], s = scale[channel], b = shift ? shift[channel] : 0.f;
    y[i] = activate((v - m) * s + b, activation);
  }
}

// γ / sqrt(variance + ε); no γ is 1.
__global__ void scale_kernel(int c, float epsilon, Global<const float> variance, Global<const float> gamma,
                             Global<float> scale) {
  const int channel = static_cast<int>(first_index());
  if (channel >= c) return;
  const float v = variance[channel], g = gamma ? gamma[channel] : 1.f;
  scale[channel] = static_cast<float>(g / ::sqrt(static_cast<double>(v) + epsilon));
}

// dβ, dγ and, by channel, the three factors of dx = g·scale + by_one + x̂·by_x: [3, c]
__global__ void gradient_factors_kernel(Gradients f, Global<const double> part, int64_t runs, int64_t rows,
                                        Global<float> dgamma, Global<float> dbeta, Global<float> factors) {
  const int channel = static_cast<int>(first_index()), c = f.c;
  if (channel >= c) return;
  const Sums total = total_of(part, runs, c, channel);
  const float rsigma = f.rsigma[channel], gamma = f.gamma[channel], scale = gamma * rsigma;
  dbeta[channel] = static_cast<float>(total.a);
  dgamma[channel] = static_cast<float>(total.b);
  factors[channel] = scale;
  factors[c + channel] = static_cast<float>(-scale * total.a / static_cast<double>(rows));
  factors[2 * c + channel] = static_cast<float>(-scale * total.b / static_cast<double>(rows));
}

__global__ void batch_norm_dx_kernel(Gradients f, int64_t count, Global<const float> factors, Global<float> dx) {
  const int c = f.c;
  for (int64_t i = first_index(); i < count; i += index_step()) {
    const int channel = static_cast<int>(i % c);
    const float2 g = f.at(i / c, channel);
    const float scale = factors[channel], by_one = factors[c + channel], by_x = factors[2 * c + channel];
    dx[i] = g.x * scale + by_one + g.y * by_x;
  }
}

}  // namespace

void batch_norm(const BatchNorm& p, Runtime& runtime) {
  const int64_t runs = ceil_div(p.rows, run), count = p.rows * p.c;
  const Stream stream = stream_of(runtime);
  const dim3 channels(static_cast<unsigned>(ceil_div(p.c, block_size)));
  const DeviceScratch<double> part(runtime, runs * 2 * p.c);
  const DeviceScratch<float> scale(runtime, p.c);
  const Global<const float> x(p.x, count), gamma(p.gamma, p.c), beta(p.beta, p.c);
  const Global<float> mean(p.mean, p.c);
  channel_sums(Moments{x, p.c}, p.rows, p.c, part, runtime);
  launch(statistics_kernel, channels, block_size, stream, part.view(), runs, p.rows, p.c, p.epsilon, x, gamma, mean,
         Global<float>(p.variance, p.c), scale.view());
  launch(affine_kernel, grid_for(runtime, count), block_size, stream, count, p.c, p.activation, x, mean, scale.view(),
         beta, Global<float>(p.y, count));
}

void batch_norm_inference(const BatchNormInference& p, Runtime& runtime) {
  const int64_t count = p.rows * p.c;
  const Stream stream = stream_of(runtime);
  const DeviceScratch<float> scale(runtime, p.c);
  const Global<const float> none, gamma = p.gamma ? Global<const float>(p.gamma, p.c) : none,
                                  beta = p.beta ? Global<const float>(p.beta, p.c) : none;
  launch(scale_kernel, dim3(static_cast<unsigned>(ceil_div(p.c, block_size))), block_size, stream, p.c, p.epsilon,
         Global<const float>(p.variance, p.c), gamma, scale.view());
  launch(affine_kernel, grid_for(runtime, count), block_size, stream, count, p.c, Activation{},
         Global<const float>(p.x, count), Global<const float>(p.mean, p.c), scale.view(), beta,
         Global<float>(p.y, count));
}

void batch_norm_backprop(const BatchNormBackprop& p, Runtime& runtime) {
  const int64_t runs = ceil_div(p.rows, run), count = p.rows * p.c;
  const Stream stream = stream_of(runtime);
  auto channel = [&](const float* data) { return Global<const float>(data, p.c); };
  const dim3 channels(static_cast<unsigned>(ceil_div(p.c, block_size)));
  const DeviceScratch<double> part(runtime, runs * 2 * p.c);
  const DeviceScratch<float> factors(runtime, int64_t{3} * p.c), rsigma(runtime, p.c);
  launch(scale_kernel, channels, block_size, stream, p.c, p.epsilon, channel(p.variance), Global<const float>(),
         rsigma.view());
  const Gradients f{Global<const float>(p.dy, count),
                    Global<const float>(p.x, count),
                    channel(p.mean),
                    rsigma.view(),
                    channel(p.gamma),
                    channel(p.beta),
                    p.c,
                    p.activation};
  channel_sums(f, p.rows, p.c, part, runtime);
  launch(gradient_factors_kernel, channels, block_size, stream, f, part.view(), runs, p.rows,
         Global<float>(p.dgamma, p.c), Global<float>(p.dbeta, p.c), factors.view());
  launch(batch_norm_dx_kernel, grid_for(runtime, count), block_size, stream, f, count, factors.view(),
         Global<float>(p.dx, count));
}

}  // namespace doppel::cuda
