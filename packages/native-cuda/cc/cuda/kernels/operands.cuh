// The factors of a matrix product c[m, n] = Σ a[m, k]·b[k, n], read where they lie: matrices, and what a convolution
// makes of its input, gradient and filter without writing it out. An operand has an outer index (m or n) and k.
//
//   along_k   whether neighbours in memory are neighbours in k, and not in the outer index
//   vectors   whether four such neighbours from a multiple of 4 on can be copied at once: they lie together, aligned to
//   16 bytes begin(i)  what is known of an outer index, before k is at(…, k)  the element's place in `data`, or −1
//   where it is a zero masked    whether an element is multiplied by act'(y) as it is read (Masked, below)
#pragma once
#include "../runtime.cuh"

namespace doppel::cuda {

inline bool is_aligned(const void* data) { return reinterpret_cast<uintptr_t>(data) % 16 == 0; }

// A convolution that is a product of matrices as they lie.
inline bool is_pointwise(const Conv2DShape& s) {
  return s.kh == 1 && s.kw == 1 && s.stride == 1 && s.top == 0 && s.left == 0 && s.oh == s.h && s.ow == s.w;
}

// [count, size of k] if along_k, else [size of k, count]
template <bool by_k> struct Matrix {
  static constexpr bool along_k = by_k, masked = false;
  using Outer = int64_t;
  Global<const float> data;
  int64_t leading;  // elements from one row in memory to the next
  bool vectors;

  __device__ Outer begin(int i) const { return along_k ? i * leading : i; }
  __device__ int64_t at(Outer first, int k) const { return along_k ? first + k : first + k * leading; }
};

template <bool by_k> Matrix<by_k> matrix(const float* data, int count, int k, int64_t matrices = 1) {
  const int64_t leading = by_k ? k : count;
  return {Global<const float>(data, matrices * count * k), leading, leading % 4 == 0 && is_aligned(data)};
}

// Where a window begins in the input.
struct WindowStart {
  int64_t image;
  int y, x;
};

// Rows are output pixels, k = (ky, kx, channel of the input).
struct Windows {
  static constexpr bool along_k = true, masked = false;
  using Outer = WindowStart;
  Global<const float> data;
  Conv2DShape s;
  bool vectors;

  __device__ Outer begin(int pixel) const {
    const int row = pixel / s.ow, image = row / s.oh;
    return {int64_t{image} * s.h * s.w * s.ci, (row - image * s.oh) * s.stride - s.top,
            (pixel - row * s.ow) * s.stride - s.left};
  }
  __device__ int64_t at(const Outer& start, int k) const {
    const int tap = k / s.ci, ky = tap / s.kw, y = start.y + ky * s.dilation,
              x = start.x + (tap - ky * s.kw) * s.dilation;
    if (y < 0 || y >= s.h || x < 0 || x >= s.w) return -1;
    return start.image + (int64_t{y} * s.w + x) * s.ci + (k - tap * s.ci);
  }
};

// The same turned round, for the filter's gradient: rows are (ky, kx, channel of the input), k = output pixels.
struct WindowsByTap {
  static constexpr bool along_k = false, masked = false;
  struct Outer {
    int y, x, channel;  // of the tap in the window
  };
  Global<const float> data;
  Conv2DShape s;
  bool vectors;

  __device__ Outer begin(int row) const {
    const int tap = row / s.ci, ky = tap / s.kw;
    return {ky * s.dilation, (tap - ky * s.kw) * s.dilation, row - tap * s.ci};
  }
  __device__ int64_t at(const Outer& tap, int pixel) const {
    const int row = pixel / s.ow, image = row / s.oh;
    const int y = (row - image * s.oh) * s.stride - s.top + tap.y, x = (pixel - row * s.ow) * s.stride - s.left + tap.x;
    if (y < 0 || y >= s.h || x < 0 || x >= s.w) return -1;
    return ((int64_t{image} * s.h + y) * s.w + x) * s.ci + tap.channel;
  }
};

// Rows are input pixels, k = (ky, kx, channel of the output): the output pixels whose windows hold the input pixel at
// that tap.
struct Covering {
  static constexpr bool along_k = true, masked = false;
  using Outer = WindowStart;
  Global<const float> data;
  Conv2DShape s;
  bool vectors;

  __device__ Outer begin(int pixel) const {
    const int row = pixel / s.w, image = row / s.h;
    return {int64_t{image} * s.oh * s.ow * s.co, row - image * s.h + s.top, pixel - row * s.w + s.left};
  }
  __device__ int64_t at(const Outer& from, int k) const {
    const int tap = k / s.co, ky = tap / s.kw, y = from.y - ky * s.dilation,
              x = from.x - (tap - ky * s.kw) * s.dilation;
    if (y < 0 || x < 0) return -1;
    const int oy = y / s.stride, ox = x / s.stride;
    if (oy * s.stride != y || ox * s.stride != x || oy >= s.oh || ox >= s.ow) return -1;
    return from.image + (int64_t{oy} * s.ow + ox) * s.co + (k - tap * s.co);
  }
};

// The filter for it: columns are channels of the input, k = (ky, kx, channel of the output).
struct TurnedFilter {
  static constexpr bool along_k = true, masked = false;
  using Outer = int;
  Global<const float> data;
  int ci, co;
  bool vectors;

  __device__ Outer begin(int channel) const { return channel * co; }
  __device__ int64_t at(Outer first, int k) const {
    const int tap = k / co;
    return int64_t{tap} * ci * co + first + (k - tap * co);
  }
};

// A gradient dy, the elements of O, as dy · act'(y): masked on the way to the product, never written out. On request it
// also sums what passes, by outer index, where k is not the axis of neighbours: the bias's gradient.
template <class O> struct Masked : O {
  static constexpr bool masked = true;
  Global<const float> y;  // in the places of dy
  Activation activation;
  Global<float> totals;  // [parts of k, outer indices], or none

  __device__ float apply(float d, float result) const { return activation_gradient(d, result, activation); }
};

template <class O>
Masked<O> masked(O gradient, const float* y, int64_t count, Activation activation, Global<float> totals = {}) {
  gradient.vectors = gradient.vectors && is_aligned(y);
  return {gradient, Global<const float>(y, count), activation, totals};
}

template <class O> __device__ __forceinline__ float value_at(const O& operand, int64_t at) {
  const float v = operand.data[at];
  if constexpr (O::masked) return operand.apply(v, operand.y[at]);
  return v;
}

}  // namespace doppel::cuda
