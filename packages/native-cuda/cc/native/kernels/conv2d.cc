// DoppelConv2D forward and backward: which way for which shape.
#include "conv2d.h"

#include "table.h"

namespace doppel::DOPPEL_ISA {

namespace {

// g = dy · act'(y) and dbias = Σg in one pass over rows of c channels; either output may be null.
void mask_and_sum(const float* dy, const float* y, const Activation& activation, int64_t rows, int64_t c, float* g,
                  float* dbias, Runtime& runtime) {
  // Of few channels, the rows that fill a vector are one.
  if (const int64_t joined = lanes / c; joined > 1 && lanes % c == 0 && rows % joined == 0) {
    float sums[lanes];
    mask_and_sum(dy, y, activation, rows / joined, lanes, g, dbias ? sums : nullptr, runtime);
    for (int64_t j = 0; dbias && j < c; j++) {
      dbias[j] = 0;
      for (int64_t i = j; i < lanes; i += c) dbias[j] += sums[i];
    }
    return;
  }
  // 32 rows in float, the rest in double: a single running sum over millions of rows would round too much.
  const int64_t blocks = smaller<int64_t>(rows, larger<int64_t>(1, smaller<int64_t>(1024, rows * c / 16384)));
  const int64_t padded = ceil_div(c, lanes) * lanes;
  Scratch totals(runtime, static_cast<size_t>(c * blocks * 2)),
      partial(runtime, static_cast<size_t>(padded * threads_of(runtime)));
  parallel(runtime, blocks, [&](int64_t block, int thread) {
    float* sum = partial.data() + thread * padded;
    double* total = reinterpret_cast<double*>(totals.data()) + block * c;
    for (int64_t j = 0; j < c; j++) total[j] = 0;
    const int64_t last = rows * (block + 1) / blocks;
    for (int64_t from = rows * block / blocks; from < last; from += 32) {
      each_vector(c, [&](int64_t j, int n) {
        Vec own{};
        for (int64_t row = from; row < smaller(last, from + 32); row++) {
          const Vec d = get(dy + row * c + j, n);
          const Vec v = g ? activation_gradient(d, get(y + row * c + j, n), activation) : d;
          if (g) put(g + row * c + j, v, n);
          own += v;
        }
        store(sum + j, own);
      });
      for (int64_t j = 0; j < c; j++) total[j] += sum[j];
    }
  });
  if (!dbias) return;
  for (int64_t j = 0; j < c; j++) {
    double total = 0;
    for (int64_t block = 0; block < blocks; block++)
      total += reinterpret_cast<const double*>(totals.data())[block * c + j];
    dbias[j] = static_cast<float>(total);
  }
}

}  // namespace

void conv2d(const Conv2D& p, Runtime& runtime) {
  if (p.precision == Precision::bf16) return conv2d_bf16(p, runtime);
  if (!p.exact && winograd_serves(p.shape, fewest_tiles_forward)) return conv2d_winograd(p, runtime);
  conv2d_few_serves(p.shape) ? conv2d_few(p, runtime) : conv2d_indirect(p, runtime);
}

void conv2d_backprop(const Conv2DBackprop& p, Runtime& runtime) {
  const Conv2DShape& s = p.shape;
  const int64_t rows = int64_t{s.n} * s.oh * s.ow;
  const bool masked = p.activation.kind != ActivationKind::linear;
  Scratch gradient(runtime, masked ? static_cast<size_t>(rows) * s.co : 0);
  if (masked || p.dbias)
    mask_and_sum(p.dy, p.y, p.activation, rows, s.co, masked ? gradient.data() : nullptr, p.dbias, runtime);
  const float* g = masked ? gradient.data() : p.dy;
  const bool winograd = winograd_serves(s, fewest_tiles_backward);
  if (p.dfilter) (winograd ? conv2d_dfilter_winograd : conv2d_dfilter_direct)(s, p.x, g, p.dfilter, runtime);
  if (p.dx) (winograd ? conv2d_dx_winograd : conv2d_dx_indirect)(s, g, p.filter, p.dx, runtime);
}

}  // namespace doppel::DOPPEL_ISA
