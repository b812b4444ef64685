// Batch normalisation: with training statistics, with given ones, and backward.
#include <cmath>

#include "table.h"

namespace doppel::DOPPEL_ISA {

namespace {

// Sums over rows of two quantities by channel: 64 rows in float, the rest in double. f(row, sums_a, sums_b) adds one
// row.
template <class F> void channel_sums(int64_t rows, int64_t c, double* a, double* b, Runtime& runtime, F f) {
  const int64_t run = smaller<int64_t>(rows, larger<int64_t>(64, 32768 / c)), runs = ceil_div(rows, run);
  Scratch totals(runtime, static_cast<size_t>(runs * c * 4)),
      partial(runtime, static_cast<size_t>(threads_of(runtime) * c * 2));
  parallel(runtime, runs, [&](int64_t index, int thread) {
    double* total = reinterpret_cast<double*>(totals.data()) + index * 2 * c;
    float* sums = partial.data() + thread * 2 * c;
    for (int64_t j = 0; j < 2 * c; j++) total[j] = 0;
    const int64_t last = smaller(rows, (index + 1) * run);
    for (int64_t from = index * run; from < last; from += 64) {
      std::memset(sums, 0, static_cast<size_t>(c) * 8);
      for (int64_t row = from; row < smaller(last, from + 64); row++) f(row, sums, sums + c);
      for (int64_t j = 0; j < 2 * c; j++) total[j] += sums[j];
    }
  });
  for (int64_t j = 0; j < c; j++) a[j] = b[j] = 0;
  for (int64_t index = 0; index < runs; index++) {
    const double* total = reinterpret_cast<const double*>(totals.data()) + index * 2 * c;
    for (int64_t j = 0; j < c; j++) a[j] += total[j], b[j] += total[c + j];
  }
}

int64_t row_grain(int64_t c) { return larger<int64_t>(1, 16384 / c); }

}  // namespace

void batch_norm(const BatchNorm& p, Runtime& runtime) {
  const int64_t c = p.c;
  Scratch doubles(runtime, static_cast<size_t>(c) * 4), affine(runtime, static_cast<size_t>(c) * 2);
  double* a = reinterpret_cast<double*>(doubles.data());
  double* b = a + c;
  // Around the first row's values instead of 0: the variance as a difference of squares would lose digits otherwise.
  channel_sums(p.rows, c, a, b, runtime, [&](int64_t row, float* sum, float* squares) {
    const float* x = p.x + row * c;
    for (int64_t j = 0; j < c; j++) {
      const float d = x[j] - p.x[j];
      sum[j] += d;
      squares[j] += d * d;
    }
  });
  float* scale = affine.data();
  float* shift = scale + c;
  for (int64_t j = 0; j < c; j++) {
    const double d = a[j] / p.rows, variance = b[j] / p.rows - d * d, mean = p.x[j] + d;
    const double s = p.gamma[j] / ::sqrt((variance < 0 ? 0 : variance) + p.epsilon);
    p.mean[j] = static_cast<float>(mean);
    p.variance[j] = static_cast<float>(variance < 0 ? 0 : variance);
    scale[j] = static_cast<float>(s);
    shift[j] = p.beta[j];
  }
  parallel_range(runtime, p.rows, row_grain(c), [&](int64_t from, int64_t to) {
    for (int64_t row = from; row < to; row++)
      each_vector(c, [&](int64_t j, int n) {
        const Vec v = (get(p.x + row * c + j, n) - get(p.mean + j, n)) * get(scale + j, n) + get(shift + j, n);
        put(p.y + row * c + j, activate(v, p.activation), n);
      });
  });
}

void batch_norm_inference(const BatchNormInference& p, Runtime& runtime) {
  const int64_t c = p.c;
  Scratch affine(runtime, static_cast<size_t>(c) * 2);
  float* scale = affine.data();
  float* shift = scale + c;
  for (int64_t j = 0; j < c; j++) {
    scale[j] =
        static_cast<float>((p.gamma ? p.gamma[j] : 1.0) / ::sqrt(static_cast<double>(p.variance[j]) + p.epsilon));
    shift[j] = p.beta ? p.beta[j] : 0;
  }
  parallel_range(runtime, p.rows, row_grain(c), [&](int64_t from, int64_t to) {
    for (int64_t row = from; row < to; row++)
      each_vector(c, [&](int64_t j, int n) {
        put(p.y + row * c + j, (get(p.x + row * c + j, n) - get(p.mean + j, n)) * get(scale + j, n) + get(shift + j, n),
            n);
      });
  });
}

// With x̂ the normalised input and g = dy · act': dβ = Σg, dγ = Σ g·x̂, dx = γ/σ · (g − dβ/M − x̂·dγ/M).
void batch_norm_backprop(const BatchNormBackprop& p, Runtime& runtime) {
  const int64_t c = p.c;
  Scratch doubles(runtime, static_cast<size_t>(c) * 4), vectors(runtime, static_cast<size_t>(c) * 4);
  double* a = reinterpret_cast<double*>(doubles.data());
  double* b = a + c;
  float* rsigma = vectors.data();
  float *scale = rsigma + c, *by_one = scale + c, *by_x = by_one + c;
  for (int64_t j = 0; j < c; j++)
    rsigma[j] = static_cast<float>(1 / ::sqrt(static_cast<double>(p.variance[j]) + p.epsilon));
  const bool masked = p.activation.kind != ActivationKind::linear;
  auto gradient = [&](int64_t at, int64_t j, int n, Vec normalised) {
    const Vec dy = get(p.dy + at, n);
    return masked ? activation_gradient(dy, normalised * get(p.gamma + j, n) + get(p.beta + j, n), p.activation) : dy;
  };
  channel_sums(p.rows, c, a, b, runtime, [&](int64_t row, float* sum, float* along) {
    each_vector(c, [&](int64_t j, int n) {
      const Vec normalised = (get(p.x + row * c + j, n) - get(p.mean + j, n)) * get(rsigma + j, n);
      const Vec g = gradient(row * c + j, j, n, normalised);
      put(sum + j, get(sum + j, n) + g, n);
      put(along + j, get(along + j, n) + g * normalised, n);
    });
  });
  for (int64_t j = 0; j < c; j++) {
    p.dbeta[j] = static_cast<float>(a[j]);
    p.dgamma[j] = static_cast<float>(b[j]);
    scale[j] = p.gamma[j] * rsigma[j];
    by_one[j] = static_cast<float>(-scale[j] * a[j] / p.rows);
    by_x[j] = static_cast<float>(-scale[j] * b[j] / p.rows);
  }
  parallel_range(runtime, p.rows, row_grain(c), [&](int64_t from, int64_t to) {
    for (int64_t row = from; row < to; row++)
      each_vector(c, [&](int64_t j, int n) {
        const Vec normalised = (get(p.x + row * c + j, n) - get(p.mean + j, n)) * get(rsigma + j, n);
        const Vec g = gradient(row * c + j, j, n, normalised);
        put(p.dx + row * c + j, g * get(scale + j, n) + get(by_one + j, n) + normalised * get(by_x + j, n), n);
      });
  });
}

}  // namespace doppel::DOPPEL_ISA
