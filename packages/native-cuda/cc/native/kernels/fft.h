// Discrete Fourier transforms of any size without a prime factor above 5, one signal in each lane of a vector. By
// Stockham's algorithm: the passes go to and fro between two lines, and no pass reorders.
#pragma once
#include <cmath>

#include "simd.h"

namespace doppel::DOPPEL_ISA {

// A line of n complex vectors.
struct Line {
  float *re, *im;
};

// Of the conjugate: its transform is that of the opposite sign, conjugated.
static inline Line swapped(Line line) { return {line.im, line.re}; }

struct Fft {
  int n;
  const float* turns;  // cos and sin of −2πi/n, i < n
};

// The least size from n on that has no prime factor above 5.
static inline int fft_size(int n) {
  for (;; n++) {
    int rest = n;
    for (int factor : {2, 3, 5})
      while (rest % factor == 0) rest /= factor;
    if (rest == 1) return n;
  }
}

// turns: 2n floats.
static inline Fft make_fft(int n, float* turns) {
  for (int i = 0; i < n; i++) {
    const double angle = -2 * 3.14159265358979323846 * i / n;
    turns[2 * i] = static_cast<float>(::cos(angle)), turns[2 * i + 1] = static_cast<float>(::sin(angle));
  }
  return {n, turns};
}

// r complex numbers in registers.
template <int r> struct Few { Vec re[r], im[r]; };

// The transform of size r.
static inline Few<2> butterfly(const Few<2>& a) {
  return {{a.re[0] + a.re[1], a.re[0] - a.re[1]}, {a.im[0] + a.im[1], a.im[0] - a.im[1]}};
}

static inline Few<3> butterfly(const Few<3>& a) {
  const Vec half = splat(0.5f), high = splat(0.866025403784438647f);
  const Vec sum_re = a.re[1] + a.re[2], sum_im = a.im[1] + a.im[2];
  const Vec mid_re = a.re[0] - half * sum_re, mid_im = a.im[0] - half * sum_im;
  const Vec d_re = high * (a.re[1] - a.re[2]), d_im = high * (a.im[1] - a.im[2]);
  return {{a.re[0] + sum_re, mid_re + d_im, mid_re - d_im}, {a.im[0] + sum_im, mid_im - d_re, mid_im + d_re}};
}

static inline Few<4> butterfly(const Few<4>& a) {
  const Vec s0_re = a.re[0] + a.re[2], s0_im = a.im[0] + a.im[2], d0_re = a.re[0] - a.re[2], d0_im = a.im[0] - a.im[2];
  const Vec s1_re = a.re[1] + a.re[3], s1_im = a.im[1] + a.im[3], d1_re = a.re[1] - a.re[3], d1_im = a.im[1] - a.im[3];
  return {{s0_re + s1_re, d0_re + d1_im, s0_re - s1_re, d0_re - d1_im},
          {s0_im + s1_im, d0_im - d1_re, s0_im - s1_im, d0_im + d1_re}};
}

static inline Few<5> butterfly(const Few<5>& a) {
  const Vec c1 = splat(0.309016994374947424f), c2 = splat(-0.809016994374947424f);
  const Vec s1 = splat(0.951056516295153572f), s2 = splat(0.587785252292473129f);
  const Vec p_re = a.re[1] + a.re[4], p_im = a.im[1] + a.im[4], q_re = a.re[2] + a.re[3], q_im = a.im[2] + a.im[3];
  const Vec u_re = a.re[1] - a.re[4], u_im = a.im[1] - a.im[4], v_re = a.re[2] - a.re[3], v_im = a.im[2] - a.im[3];
  const Vec m1_re = a.re[0] + c1 * p_re + c2 * q_re, m1_im = a.im[0] + c1 * p_im + c2 * q_im;
  const Vec m2_re = a.re[0] + c2 * p_re + c1 * q_re, m2_im = a.im[0] + c2 * p_im + c1 * q_im;
  const Vec d1_re = s1 * u_re + s2 * v_re, d1_im = s1 * u_im + s2 * v_im;
  const Vec d2_re = s2 * u_re - s1 * v_re, d2_im = s2 * u_im - s1 * v_im;
  return {{a.re[0] + p_re + q_re, m1_re + d1_im, m2_re + d2_im, m2_re - d2_im, m1_re - d1_im},
          {a.im[0] + p_im + q_im, m1_im - d1_re, m2_im - d2_re, m2_im + d2_re, m1_im + d1_re}};
}

// One pass over transforms of size n, each of them `stride` apart: y[q + stride·(r·p + j)] = b_j · turn^(p·j) where b
// is the butterfly of x[q + stride·(p + k·n/r)], k < r.
template <int r> static inline void fft_pass(const Fft& fft, int n, int stride, Line x, Line y) {
  const int runs = n / r, step = fft.n / n;
  for (int p = 0; p < runs; p++) {
    for (int q = 0; q < stride; q++) {
      Few<r> a;
      for (int k = 0; k < r; k++) {
        const int64_t at = int64_t{q + stride * (p + k * runs)} * lanes;
        a.re[k] = load(x.re + at), a.im[k] = load(x.im + at);
      }
      const Few<r> b = butterfly(a);
      for (int j = 0; j < r; j++) {
        const int64_t at = int64_t{q + stride * (r * p + j)} * lanes;
        const float* turn = fft.turns + 2 * p * j * step;
        const Vec c = splat(turn[0]), s = splat(turn[1]);
        store(y.re + at, j > 0 ? b.re[j] * c - b.im[j] * s : b.re[j]);
        store(y.im + at, j > 0 ? b.re[j] * s + b.im[j] * c : b.im[j]);
      }
    }
  }
}

// Σ x[j]·exp(−2πi·jk/n), in one of the two lines, which is returned; the other is overwritten. Unscaled; of the
// opposite sign where both lines are swapped.
static inline Line transform(const Fft& fft, Line x, Line spare) {
  for (int n = fft.n, stride = 1; n > 1;) {
    const int r = n % 4 == 0 ? 4 : n % 2 == 0 ? 2 : n % 3 == 0 ? 3 : 5;
    switch (r) {
      case 2: fft_pass<2>(fft, n, stride, x, spare); break;
      case 3: fft_pass<3>(fft, n, stride, x, spare); break;
      case 4: fft_pass<4>(fft, n, stride, x, spare); break;
      default: fft_pass<5>(fft, n, stride, x, spare);
    }
    const Line result = spare;
    spare = x, x = result, n /= r, stride *= r;
  }
  return x;
}

}  // namespace doppel::DOPPEL_ISA
