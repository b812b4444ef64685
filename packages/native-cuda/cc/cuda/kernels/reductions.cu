// Reductions over the middle of [outer, reduced, inner]. Each of a few runs of the reduced part is folded by itself,
// then the runs: the order is fixed by the shape, so that the result is the same every time.
#include "../../common/arithmetic.h"
#include "block_sum.cuh"

namespace doppel::cuda {

namespace {

// Floats are folded as doubles: the kernels wait for memory, not for arithmetic.
template <class T> struct Accumulator { using type = T; };
template <> struct Accumulator<float> { using type = double; };

struct ReduceShape {
  int64_t outer, reduced, inner;
  int64_t run;  // elements of the reduced part in a run
  int64_t runs;
};

template <class T, class A> __device__ T scaled(A v, double scale) {
  if constexpr (std::is_same_v<A, double>) return static_cast<T>(v * scale);
  else return static_cast<T>(v);
}

// A thread for each run of each output; neighbours read neighbours.
template <class T, class A, class Y>
__global__ void columns_kernel(ReduceOp op, ReduceShape s, A start, double scale, Global<const T> x, Global<Y> y) {
  const int64_t outputs = s.outer * s.inner;
  for (int64_t i = first_index(); i < outputs * s.runs; i += index_step()) {
    const int64_t run = i / outputs, output = i % outputs, o = output / s.inner, first = run * s.run;
    const int64_t last = first + s.run < s.reduced ? first + s.run : s.reduced;
    A total = start;
    for (int64_t r = first; r < last; r++) {
      const T v = x[(o * s.reduced + r) * s.inner + output % s.inner];
      total = folded<A>(op, total, static_cast<A>(v));
    }
    y[i] = scaled<Y, A>(total, scale);
  }
}

// A block for each run of each row, inner being 1.
template <class T, class A, class Y>
__global__ void rows_kernel(ReduceOp op, ReduceShape s, A start, double scale, Global<const T> x, Global<Y> y) {
  DOPPEL_SHARED(A, part, block_size);
  const int t = threadIdx.x;
  for (int64_t i = blockIdx.x; i < s.outer * s.runs; i += gridDim.x) {
    const int64_t run = i / s.outer, row = i % s.outer, first = run * s.run;
    const int64_t last = first + s.run < s.reduced ? first + s.run : s.reduced;
    A total = start;
    for (int64_t r = first + t; r < last; r += block_size) {
      const T v = x[row * s.reduced + r];
      total = folded<A>(op, total, static_cast<A>(v));
    }
    part[t] = total;
    for (int active = block_size / 2; active > 0; active /= 2) {
      __syncthreads();
      if (t < active) {
        const A mine = part[t], other = part[t + active];
        part[t] = folded<A>(op, mine, other);
      }
    }
    if (t == 0) {
      const A folded = part[0];
      y[i] = scaled<Y, A>(folded, scale);
    }
    __syncthreads();
  }
}

constexpr int64_t least_run = 4096;

// As few runs as keep the card busy, each long enough to be worth a second pass.
int64_t runs_for(Runtime& runtime, int64_t reduced, int64_t threads) {
  const int64_t busy = int64_t{device_of(runtime).multiprocessors} * 2048, most = ceil_div(reduced, least_run);
  const int64_t wanted = threads > 0 ? ceil_div(busy, threads) : 1;
  return wanted < most ? wanted : most;
}

template <class T, class A, class Y, class X>
void run_pass(const ReduceOp op, const ReduceShape& s, A start, double scale, const X* x, Y* y, Runtime& runtime) {
  const Global<const X> from(x, s.outer * s.reduced * s.inner);
  const Global<Y> to(y, s.outer * s.inner * s.runs);
  const Stream stream = stream_of(runtime);
  // Rows that are shorter than a block would leave most of it idle.
  if (s.inner == 1 && s.run >= block_size) {
    const int64_t blocks = s.outer * s.runs, most = int64_t{device_of(runtime).multiprocessors} * 64;
    launch((rows_kernel<X, A, Y>), dim3(static_cast<unsigned>(blocks < most ? blocks : most)), block_size, stream, op,
           s, start, scale, from, to);
  } else {
    launch((columns_kernel<X, A, Y>), grid_for(runtime, s.outer * s.inner * s.runs), block_size, stream, op, s, start,
           scale, from, to);
  }
}

template <class T> void run_reduce(const Reduce& p, T lowest, T highest, Runtime& runtime) {
  using A = typename Accumulator<T>::type;
  const int64_t outputs = p.outer * p.inner;
  if (outputs == 0) return;
  const A start = start_of<A>(p.op, static_cast<A>(lowest), static_cast<A>(highest));
  const double scale = p.op == ReduceOp::mean ? 1.0 / static_cast<double>(p.reduced) : 1.0;
  const int64_t runs = p.reduced > 0 ? runs_for(runtime, p.reduced, p.inner == 1 ? p.outer * block_size : outputs) : 1;
  const ReduceShape whole{p.outer, p.reduced, p.inner, ceil_div(p.reduced, runs), runs};
  const T* x = static_cast<const T*>(p.x);
  T* y = static_cast<T*>(p.y);
  if (runs == 1) return run_pass<T, A, T>(p.op, whole, start, scale, x, y, runtime);
  DeviceScratch<A> folded(runtime, outputs * runs);
  run_pass<T, A, A>(p.op, whole, start, 1.0, x, folded.data(), runtime);
  // [runs, outputs]
  run_pass<T, A, T>(p.op, {1, runs, outputs, runs, 1}, start, scale, folded.data(), y, runtime);
}

__global__ void arg_reduce_kernel(bool max, int64_t outputs, int64_t reduced, int64_t inner, Global<const float> x,
                                  Global<int32_t> y) {
  for (int64_t i = first_index(); i < outputs; i += index_step()) {
    const int64_t first = i / inner * reduced * inner + i % inner;
    float best = x[first];
    int32_t at = 0;
    for (int64_t r = 1; r < reduced; r++) {
      const float v = x[first + r * inner];
      if (max ? v > best : v < best) best = v, at = static_cast<int32_t>(r);
    }
    y[i] = at;
  }
}

constexpr int rows_a_block = block_size / 32;

// A warp for each row.
__global__ void softmax_kernel(bool log, int64_t rows, int64_t columns, Global<const float> x, Global<float> y) {
  const int lane = threadIdx.x % 32;
  for (int64_t row = int64_t{blockIdx.x} * rows_a_block + threadIdx.x / 32; row < rows;
       row += int64_t{gridDim.x} * rows_a_block) {
    const int64_t first = row * columns;
    float highest = x[first];
    for (int64_t i = lane; i < columns; i += 32) {
      const float v = x[first + i];
      highest = v > highest ? v : highest;
    }
    for (int lanes = 16; lanes > 0; lanes /= 2) {
      const float other = __shfl_xor_sync(whole_warp, highest, lanes);
      highest = other > highest ? other : highest;
    }
    double total = 0;
    for (int64_t i = lane; i < columns; i += 32) {
      const float v = x[first + i];
      total += expf(v - highest);
    }
    total = warp_sum(total);
    const float share = static_cast<float>(1 / total), log_total = static_cast<float>(::log(total));
    for (int64_t i = lane; i < columns; i += 32) {
      const float v = x[first + i];
      y[first + i] = log ? v - highest - log_total : expf(v - highest) * share;
    }
  }
}

}  // namespace

void reduce(const Reduce& p, Runtime& runtime) {
  constexpr float infinity = __builtin_inff();
  if (p.type == Type::float32) run_reduce<float>(p, -infinity, infinity, runtime);
  else if (p.type == Type::int32) run_reduce<int32_t>(p, INT32_MIN, INT32_MAX, runtime);
  else run_reduce<uint8_t>(p, 0, 255, runtime);
}

void arg_reduce(const ArgReduce& p, Runtime& runtime) {
  const int64_t outputs = p.outer * p.inner;
  if (outputs == 0) return;
  launch(arg_reduce_kernel, grid_for(runtime, outputs), block_size, stream_of(runtime), p.max, outputs, p.reduced,
         p.inner, Global<const float>(p.x, outputs * p.reduced), Global<int32_t>(p.y, outputs));
}

void softmax(const Softmax& p, Runtime& runtime) {
  if (p.rows == 0) return;
  const int64_t count = p.rows * p.columns;
  launch(softmax_kernel, grid_for(runtime, p.rows * 32), block_size, stream_of(runtime), p.log, p.rows, p.columns,
         Global<const float>(p.x, count), Global<float>(p.y, count));
}

}  // namespace doppel::cuda
