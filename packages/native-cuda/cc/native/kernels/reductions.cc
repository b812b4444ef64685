// Reductions and softmax. Sums go block by block into doubles: the order is fixed, so that a result does not depend on
// how many threads there are.
#include "../../common/arithmetic.h"
#include "table.h"

namespace doppel::DOPPEL_ISA {

namespace {

constexpr int64_t block = 4096;

double sum_of_block(const float* x, int64_t n) {
  Vec s[4] = {};
  int64_t i = 0;
  for (; i + 4 * lanes <= n; i += 4 * lanes)
    for (int j = 0; j < 4; j++) s[j] += load(x + i + j * lanes);
  double total = sum_of((s[0] + s[1]) + (s[2] + s[3]));
  for (; i < n; i++) total += x[i];
  return total;
}

double sum_of_row(const float* x, int64_t n) {
  double total = 0;
  for (int64_t i = 0; i < n; i += block) total += sum_of_block(x + i, smaller(block, n - i));
  return total;
}

// [outer, reduced, 1]
void sum_rows(const float* x, int64_t outer, int64_t reduced, float* y, double scale, Runtime& runtime) {
  if (outer >= 8 || reduced < 8 * block) {
    parallel_range(runtime, outer, larger<int64_t>(1, 65536 / larger<int64_t>(reduced, 1)),
                   [&](int64_t from, int64_t to) {
                     for (int64_t o = from; o < to; o++)
                       y[o] = static_cast<float>(sum_of_row(x + o * reduced, reduced) * scale);
                   });
    return;
  }
  const int64_t blocks = ceil_div(reduced, block);
  Scratch scratch(runtime, static_cast<size_t>(blocks) * 2);
  double* partial = reinterpret_cast<double*>(scratch.data());
  for (int64_t o = 0; o < outer; o++) {
    parallel_range(runtime, blocks, 16, [&](int64_t from, int64_t to) {
      for (int64_t b = from; b < to; b++)
        partial[b] = sum_of_block(x + o * reduced + b * block, smaller(block, reduced - b * block));
    });
    double total = 0;
    for (int64_t b = 0; b < blocks; b++) total += partial[b];
    y[o] = static_cast<float>(total * scale);
  }
}

// [outer, reduced, inner], inner > 1: columns are summed over runs of rows, and the runs' sums in doubles.
void sum_columns(const float* x, int64_t outer, int64_t reduced, int64_t inner, float* y, double scale,
                 Runtime& runtime) {
  const int64_t rows = smaller<int64_t>(256, larger<int64_t>(1, reduced)), runs = ceil_div(reduced, rows);
  if (runs == 1 && outer > 1) {
    return parallel_range(runtime, outer, larger<int64_t>(1, 32768 / (reduced * inner + 1)),
                          [&](int64_t from, int64_t to) {
                            for (int64_t o = from; o < to; o++) {
                              float* sum = y + o * inner;
                              std::memset(sum, 0, static_cast<size_t>(inner) * 4);
                              for (int64_t r = 0; r < reduced; r++)
                                for (int64_t i = 0; i < inner; i++) sum[i] += x[(o * reduced + r) * inner + i];
                              if (scale != 1)
                                for (int64_t i = 0; i < inner; i++) sum[i] = static_cast<float>(sum[i] * scale);
                            }
                          });
  }
  Scratch scratch(runtime, static_cast<size_t>(runs * inner));
  for (int64_t o = 0; o < outer; o++) {
    parallel(runtime, runs, [&](int64_t run, int) {
      float* sum = scratch.data() + run * inner;
      std::memset(sum, 0, static_cast<size_t>(inner) * 4);
      for (int64_t r = run * rows; r < smaller(reduced, (run + 1) * rows); r++) {
        const float* row = x + (o * reduced + r) * inner;
        for (int64_t i = 0; i < inner; i++) sum[i] += row[i];
      }
    });
    parallel_range(runtime, inner, 1024, [&](int64_t from, int64_t to) {
      for (int64_t i = from; i < to; i++) {
        double total = 0;
        for (int64_t run = 0; run < runs; run++) total += scratch.data()[run * inner + i];
        y[o * inner + i] = static_cast<float>(total * scale);
      }
    });
  }
}

template <class T, class F> void fold(const Reduce& p, T start, Runtime& runtime, F f) {
  const T* x = static_cast<const T*>(p.x);
  T* y = static_cast<T*>(p.y);
  parallel_range(runtime, p.outer, larger<int64_t>(1, 32768 / larger<int64_t>(1, p.reduced * p.inner)),
                 [&](int64_t from, int64_t to) {
                   for (int64_t o = from; o < to; o++) {
                     for (int64_t i = 0; i < p.inner; i++) y[o * p.inner + i] = start;
                     for (int64_t r = 0; r < p.reduced; r++)
                       for (int64_t i = 0; i < p.inner; i++)
                         y[o * p.inner + i] = f(y[o * p.inner + i], x[(o * p.reduced + r) * p.inner + i]);
                   }
                 });
}

template <class T> void fold_any(const Reduce& p, T lowest, T highest, Runtime& runtime) {
  with_constant<ReduceOp::all>(p.op, [&](auto op) {
    const T start = start_of<T>(decltype(op)::value, lowest, highest);
    fold<T>(p, start, runtime, [](T a, T b) { return folded<T>(decltype(op)::value, a, b); });
  });
}

}  // namespace

void reduce(const Reduce& p, Runtime& runtime) {
  const bool sums = p.op == ReduceOp::sum || p.op == ReduceOp::mean;
  if (p.type == Type::float32 && sums) {
    const double scale = p.op == ReduceOp::mean ? 1.0 / static_cast<double>(p.reduced) : 1.0;
    const float* x = static_cast<const float*>(p.x);
    float* y = static_cast<float*>(p.y);
    return p.inner == 1 ? sum_rows(x, p.outer, p.reduced, y, scale, runtime)
                        : sum_columns(x, p.outer, p.reduced, p.inner, y, scale, runtime);
  }
  constexpr float infinity = __builtin_inff();
  if (p.type == Type::float32) fold_any<float>(p, -infinity, infinity, runtime);
  else if (p.type == Type::int32) fold_any<int32_t>(p, INT32_MIN, INT32_MAX, runtime);
  else fold_any<uint8_t>(p, 0, 255, runtime);
}

void arg_reduce(const ArgReduce& p, Runtime& runtime) {
  parallel_range(runtime, p.outer, larger<int64_t>(1, 32768 / larger<int64_t>(1, p.reduced * p.inner)),
                 [&](int64_t from, int64_t to) {
                   for (int64_t o = from; o < to; o++) {
                     for (int64_t i = 0; i < p.inner; i++) {
                       const float* x = p.x + o * p.reduced * p.inner + i;
                       int32_t best = 0;
                       for (int64_t r = 1; r < p.reduced; r++)
                         if (p.max ? x[r * p.inner] > x[best * p.inner] : x[r * p.inner] < x[best * p.inner])
                           best = static_cast<int32_t>(r);
                       p.y[o * p.inner + i] = best;
                     }
                   }
                 });
}

void softmax(const Softmax& p, Runtime& runtime) {
  parallel_range(runtime, p.rows, larger<int64_t>(1, 2048 / larger<int64_t>(1, p.columns)),
                 [&](int64_t from, int64_t to) {
                   for (int64_t row = from; row < to; row++) {
                     const float* x = p.x + row * p.columns;
                     float* y = p.y + row * p.columns;
                     float highest = x[0];
                     for (int64_t i = 1; i < p.columns; i++) highest = x[i] > highest ? x[i] : highest;
                     double total = 0;
                     for (int64_t i = 0; i < p.columns; i++) total += y[i] = ::expf(x[i] - highest);
                     const float share = static_cast<float>(1 / total), log_total = static_cast<float>(::log(total));
                     if (p.log)
                       for (int64_t i = 0; i < p.columns; i++) y[i] = x[i] - highest - log_total;
                     else
                       for (int64_t i = 0; i < p.columns; i++) y[i] *= share;
                   }
                 });
}

}  // namespace doppel::DOPPEL_ISA
