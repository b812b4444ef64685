// Batch normalisation: with training statistics, with given ones, and backward.
#include <cmath>

#include "table.h"

namespace doppel::DOPPEL_ISA {

namespace {

// Rows of c channels seen as fewer and wider ones, `together` of them each, so that whole vectors fit: 8 channels of two
// neighbouring pixels fill one of 16 lanes. As they are where the rows do not come out even.
struct WideRows {
  int64_t together, rows, c;

  WideRows(int64_t narrow_rows, int64_t narrow_c) : together(1) {
    while (together * narrow_c % lanes) together *= 2;
    if (narrow_rows % together) together = 1;
    rows = narrow_rows / together;
    c = narrow_c * together;
  }

  // Repeats the values of the first row's channels for the other rows that are seen together with it.
  void repeat(float* wide) const {
    const int64_t channels = c / together;
    for (int64_t from = channels; from < c; from += channels)
      std::memcpy(wide + from, wide, static_cast<size_t>(channels) * 4);
  }
  void repeat(const float* values, float* wide) const {
    std::memcpy(wide, values, static_cast<size_t>(c / together) * 4);
    repeat(wide);
  }
};

// Sums over rows [from, to) of two quantities, for `W` vectors of channels from j on. f(at, j, n, a, b) adds n
// elements.
template <int W, class F>
void sum_rows(int64_t from, int64_t to, int64_t c, int64_t j, int n, double* a, double* b, const F& f) {
  Vec first[W], second[W];
  for (int w = 0; w < W; w++) first[w] = second[w] = Vec{};
  for (int64_t row = from; row < to; row++)
    for (int w = 0; w < W; w++) f(row * c + j + w * lanes, j + w * lanes, n, first[w], second[w]);
  for (int w = 0; w < W; w++)
    for (int i = 0; i < n; i++) a[j + w * lanes + i] += first[w][i], b[j + w * lanes + i] += second[w][i];
}

// Sums over all rows by channel: 64 rows in float, in registers, the rest in double.
template <class F> void channel_sums(const WideRows& wide, double* a, double* b, Runtime& runtime, const F& f) {
  const int64_t c = wide.c, rows = wide.rows, channels = c / wide.together;
  const int64_t run = smaller<int64_t>(rows, larger<int64_t>(64, 32768 / c)), runs = ceil_div(rows, run);
  Scratch totals(runtime, static_cast<size_t>(runs * c * 4));
  parallel(runtime, runs, [&](int64_t index, int) {
    double* total = reinterpret_cast<double*>(totals.data()) + index * 2 * c;
    for (int64_t j = 0; j < 2 * c; j++) total[j] = 0;
    const int64_t last = smaller(rows, (index + 1) * run);
    for (int64_t from = index * run; from < last; from += 64) {
      const int64_t to = smaller(last, from + 64);
      int64_t j = 0;
      for (; j + 2 * lanes <= c; j += 2 * lanes) sum_rows<2>(from, to, c, j, lanes, total, total + c, f);
      for (; j + lanes <= c; j += lanes) sum_rows<1>(from, to, c, j, lanes, total, total + c, f);
      if (j < c) sum_rows<1>(from, to, c, j, static_cast<int>(c - j), total, total + c, f);
    }
  });
  for (int64_t j = 0; j < channels; j++) a[j] = b[j] = 0;
  for (int64_t index = 0; index < runs; index++) {
    const double* total = reinterpret_cast<const double*>(totals.data()) + index * 2 * c;
    for (int64_t from = 0; from < c; from += channels)
      for (int64_t j = 0; j < channels; j++) a[j] += total[from + j], b[j] += total[c + from + j];
  }
}

// Calls f with the activation as a constant where it is a common one, so that loops have no branch.
template <class F> void with_activation(const Activation& activation, const F& f) {
  if (activation.kind == ActivationKind::relu) f(Activation{ActivationKind::relu, 0});
  else if (activation.kind == ActivationKind::linear) f(Activation{ActivationKind::linear, 1});
  else f(activation);
}

// f(at, j, n) for each vector of channels of each row.
template <class F> void each_element(const WideRows& wide, Runtime& runtime, const F& f) {
  const int64_t c = wide.c;
  parallel_range(runtime, wide.rows, larger<int64_t>(1, 16384 / c), [&](int64_t from, int64_t to) {
    for (int64_t row = from; row < to; row++) each_vector(c, [&](int64_t j, int n) { f(row * c + j, j, n); });
  });
}

}  // namespace

void batch_norm(const BatchNorm& p, Runtime& runtime) {
  const int64_t c = p.c;
  const WideRows wide(p.rows, c);
  Scratch doubles(runtime, static_cast<size_t>(c) * 4), vectors(runtime, static_cast<size_t>(wide.c) * 4);
  double* a = reinterpret_cast<double*>(doubles.data());
  double* b = a + c;
  float* origin = vectors.data();
  float *mean = origin + wide.c, *scale = mean + wide.c, *shift = scale + wide.c;
  // Around the first row's values instead of 0: the variance as a difference of squares would lose digits otherwise.
  wide.repeat(p.x, origin);
  channel_sums(wide, a, b, runtime, [x = p.x, origin](int64_t at, int64_t j, int n, Vec& sum, Vec& squares) {
    const Vec d = get(x + at, n) - get(origin + j, n);
    sum += d;
    squares += d * d;
  });
  for (int64_t j = 0; j < c; j++) {
    const double d = a[j] / p.rows, variance = b[j] / p.rows - d * d, mean = p.x[j] + d;
    p.mean[j] = static_cast<float>(mean);
    p.variance[j] = static_cast<float>(variance < 0 ? 0 : variance);
    scale[j] = static_cast<float>(p.gamma[j] / ::sqrt((variance < 0 ? 0 : variance) + p.epsilon));
  }
  wide.repeat(p.mean, mean);
  wide.repeat(scale);
  wide.repeat(p.beta, shift);
  with_activation(p.activation, [&](Activation activation) {
    each_element(wide, runtime, [&, x = p.x, y = p.y](int64_t at, int64_t j, int n) {
      put(y + at, activate((get(x + at, n) - get(mean + j, n)) * get(scale + j, n) + get(shift + j, n), activation), n);
    });
  });
}

void batch_norm_inference(const BatchNormInference& p, Runtime& runtime) {
  const int64_t c = p.c;
  const WideRows wide(p.rows, c);
  Scratch vectors(runtime, static_cast<size_t>(wide.c) * 3);
  float* mean = vectors.data();
  float *scale = mean + wide.c, *shift = scale + wide.c;
  for (int64_t j = 0; j < c; j++) {
    scale[j] =
        static_cast<float>((p.gamma ? p.gamma[j] : 1.0) / ::sqrt(static_cast<double>(p.variance[j]) + p.epsilon));
    shift[j] = p.beta ? p.beta[j] : 0;
  }
  wide.repeat(p.mean, mean);
  wide.repeat(scale);
  wide.repeat(shift);
  each_element(wide, runtime, [&, x = p.x, y = p.y](int64_t at, int64_t j, int n) {
    put(y + at, (get(x + at, n) - get(mean + j, n)) * get(scale + j, n) + get(shift + j, n), n);
  });
}

// With x̂ the normalised input and g = dy · act': dβ = Σg, dγ = Σ g·x̂, dx = γ/σ · (g − dβ/M − x̂·dγ/M).
void batch_norm_backprop(const BatchNormBackprop& p, Runtime& runtime) {
  const int64_t c = p.c;
  const WideRows wide(p.rows, c);
  Scratch doubles(runtime, static_cast<size_t>(c) * 4), vectors(runtime, static_cast<size_t>(wide.c) * 7);
  double* a = reinterpret_cast<double*>(doubles.data());
  double* b = a + c;
  float* mean = vectors.data();
  float *gamma = mean + wide.c, *beta = gamma + wide.c, *rsigma = beta + wide.c;
  float *scale = rsigma + wide.c, *by_one = scale + wide.c, *by_x = by_one + wide.c;
  for (int64_t j = 0; j < c; j++)
    rsigma[j] = static_cast<float>(1 / ::sqrt(static_cast<double>(p.variance[j]) + p.epsilon));
  wide.repeat(p.mean, mean);
  wide.repeat(p.gamma, gamma);
  wide.repeat(p.beta, beta);
  wide.repeat(rsigma);
  with_activation(p.activation, [&](Activation activation) {
    auto normalised_at = [x = p.x, mean, rsigma](int64_t at, int64_t j, int n) {
      return (get(x + at, n) - get(mean + j, n)) * get(rsigma + j, n);
    };
    auto gradient_at = [=, dy = p.dy](int64_t at, int64_t j, int n, Vec normalised) {
      const Vec d = get(dy + at, n);
      if (activation.kind == ActivationKind::linear) return d;
      return activation_gradient(d, normalised * get(gamma + j, n) + get(beta + j, n), activation);
    };
    channel_sums(wide, a, b, runtime, [&](int64_t at, int64_t j, int n, Vec& sum, Vec& along) {
      const Vec normalised = normalised_at(at, j, n), g = gradient_at(at, j, n, normalised);
      sum += g;
      along += g * normalised;
    });
    for (int64_t j = 0; j < c; j++) {
      p.dbeta[j] = static_cast<float>(a[j]);
      p.dgamma[j] = static_cast<float>(b[j]);
      scale[j] = p.gamma[j] * rsigma[j];
      by_one[j] = static_cast<float>(-scale[j] * a[j] / p.rows);
      by_x[j] = static_cast<float>(-scale[j] * b[j] / p.rows);
    }
    wide.repeat(scale);
    wide.repeat(by_one);
    wide.repeat(by_x);
    each_element(wide, runtime, [&, dx = p.dx](int64_t at, int64_t j, int n) {
      const Vec normalised = normalised_at(at, j, n), g = gradient_at(at, j, n, normalised);
      put(dx + at, g * get(scale + j, n) + get(by_one + j, n) + normalised * get(by_x + j, n), n);
    });
  });
}

}  // namespace doppel::DOPPEL_ISA
