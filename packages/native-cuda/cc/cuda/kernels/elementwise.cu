// Arithmetic by element: bound by memory, so one kernel serves all operations of a type and chooses inside.
#include "../../common/arithmetic.h"
#include "../runtime.cuh"

namespace doppel::cuda {

namespace {

// Where the i-th element of the output comes from in both inputs.
struct Strides {
  int rank;
  int64_t dims[max_rank], a[max_rank], b[max_rank];
};

struct Offsets {
  int64_t a, b;
};

__device__ Offsets offsets_of(const Strides& s, int64_t i) {
  Offsets at{0, 0};
  for (int d = s.rank - 1; d > 0; d--) {
    const int64_t next = i / s.dims[d], along = i - next * s.dims[d];
    at.a += along * s.a[d];
    at.b += along * s.b[d];
    i = next;
  }
  at.a += i * s.a[0];
  at.b += i * s.b[0];
  return at;
}

template <class T, class Y>
__global__ void binary_kernel(BinaryOp op, Strides strides, int64_t count, Global<const T> a, Global<const T> b,
                              Global<Y> y) {
  for (int64_t i = first_index(); i < count; i += index_step()) {
    const Offsets at = offsets_of(strides, i);
    const T left = a[at.a], right = b[at.b];
    if constexpr (std::is_same_v<Y, uint8_t>) y[i] = compare<T>(op, left, right);
    else y[i] = calculate<T>(op, left, right);
  }
}

template <class T, class Y> void run_binary(const Binary& p, Runtime& runtime) {
  Strides strides{p.rank, {}, {}, {}};
  int64_t count = 1, reach_a = 1, reach_b = 1;
  for (int d = 0; d < p.rank; d++) {
    strides.dims[d] = p.dims[d], strides.a[d] = p.a_strides[d], strides.b[d] = p.b_strides[d];
    count *= p.dims[d];
    reach_a += (p.dims[d] - 1) * p.a_strides[d];
    reach_b += (p.dims[d] - 1) * p.b_strides[d];
  }
  const Global<const T> a(static_cast<const T*>(p.a), reach_a), b(static_cast<const T*>(p.b), reach_b);
  launch((binary_kernel<T, Y>), grid_for(runtime, count), block_size, stream_of(runtime), p.op, strides, count, a, b,
         Global<Y>(static_cast<Y*>(p.y), count));
}

__global__ void unary_kernel(UnaryOp op, int64_t count, float p0, float p1, Global<const float> x, Global<float> y) {
  for (int64_t i = first_index(); i < count; i += index_step()) y[i] = calculate(op, x[i], p0, p1);
}

__global__ void unary_int_kernel(UnaryOp op, int64_t count, Global<const int32_t> x, Global<int32_t> y) {
  for (int64_t i = first_index(); i < count; i += index_step()) {
    const int32_t v = x[i];
    y[i] = calculate(op, v);
  }
}

__global__ void is_nan_kernel(int64_t count, Global<const float> x, Global<uint8_t> y) {
  for (int64_t i = first_index(); i < count; i += index_step()) {
    const float v = x[i];
    y[i] = static_cast<uint8_t>(v != v);
  }
}

__global__ void not_kernel(int64_t count, Global<const uint8_t> x, Global<uint8_t> y) {
  for (int64_t i = first_index(); i < count; i += index_step()) {
    const uint8_t v = x[i];
    y[i] = static_cast<uint8_t>(!v);
  }
}

template <class From, class To> __global__ void cast_kernel(int64_t count, Global<const From> x, Global<To> y) {
  for (int64_t i = first_index(); i < count; i += index_step()) {
    const From v = x[i];
    y[i] = converted<To, From>(v);
  }
}

template <class From, class To> void run_cast(const Cast& p, Runtime& runtime) {
  launch((cast_kernel<From, To>), grid_for(runtime, p.count), block_size, stream_of(runtime), p.count,
         Global<const From>(static_cast<const From*>(p.x), p.count), Global<To>(static_cast<To*>(p.y), p.count));
}

template <class From> void cast_from(const Cast& p, Runtime& runtime) {
  switch (p.to) {
    case Type::float32: return run_cast<From, float>(p, runtime);
    case Type::int32: return run_cast<From, int32_t>(p, runtime);
    case Type::boolean: return run_cast<From, uint8_t>(p, runtime);
  }
}

template <class T>
__global__ void select_kernel(int64_t count, int64_t inner, Global<const uint8_t> condition, Global<const T> a,
                              Global<const T> b, Global<T> y) {
  for (int64_t i = first_index(); i < count; i += index_step()) {
    const uint8_t chosen = condition[i / inner];
    const T v = chosen ? a[i] : b[i];
    y[i] = v;
  }
}

template <class T> void run_select(const Select& p, Runtime& runtime) {
  const int64_t count = p.count * p.inner;
  const Global<const T> a(static_cast<const T*>(p.a), count), b(static_cast<const T*>(p.b), count);
  launch(select_kernel<T>, grid_for(runtime, count), block_size, stream_of(runtime), count, p.inner,
         Global<const uint8_t>(p.condition, p.count), a, b, Global<T>(static_cast<T*>(p.y), count));
}

template <class T> __global__ void fill_kernel(int64_t count, T value, Global<T> y) {
  for (int64_t i = first_index(); i < count; i += index_step()) y[i] = value;
}

template <class T> void run_fill(const Fill& p, T value, Runtime& runtime) {
  launch(fill_kernel<T>, grid_for(runtime, p.count), block_size, stream_of(runtime), p.count, value,
         Global<T>(static_cast<T*>(p.y), p.count));
}

constexpr int most_terms = 16;
struct Terms {
  int count;
  Global<const float> x[most_terms];
};

__global__ void add_n_kernel(Terms terms, int64_t count, Global<float> y, bool adds_on) {
  for (int64_t i = first_index(); i < count; i += index_step()) {
    float sum = adds_on ? static_cast<float>(y[i]) : 0.f;
    for (int j = 0; j < terms.count; j++) sum += terms.x[j][i];
    y[i] = sum;
  }
}

}  // namespace

void binary(const Binary& p, Runtime& runtime) {
  const bool comparison = p.op >= BinaryOp::equal;
  if (p.type == Type::boolean) return run_binary<uint8_t, uint8_t>(p, runtime);
  if (p.type == Type::int32)
    return comparison ? run_binary<int32_t, uint8_t>(p, runtime) : run_binary<int32_t, int32_t>(p, runtime);
  return comparison ? run_binary<float, uint8_t>(p, runtime) : run_binary<float, float>(p, runtime);
}

void unary(const Unary& p, Runtime& runtime) {
  if (p.count == 0) return;
  const dim3 grid = grid_for(runtime, p.count);
  const Stream stream = stream_of(runtime);
  if (p.op == UnaryOp::logical_not) {
    launch(not_kernel, grid, block_size, stream, p.count,
           Global<const uint8_t>(static_cast<const uint8_t*>(p.x), p.count),
           Global<uint8_t>(static_cast<uint8_t*>(p.y), p.count));
  } else if (p.type == Type::int32) {
    launch(unary_int_kernel, grid, block_size, stream, p.op, p.count,
           Global<const int32_t>(static_cast<const int32_t*>(p.x), p.count),
           Global<int32_t>(static_cast<int32_t*>(p.y), p.count));
  } else if (p.op == UnaryOp::is_nan) {
    launch(is_nan_kernel, grid, block_size, stream, p.count,
           Global<const float>(static_cast<const float*>(p.x), p.count),
           Global<uint8_t>(static_cast<uint8_t*>(p.y), p.count));
  } else {
    launch(unary_kernel, grid, block_size, stream, p.op, p.count, p.p0, p.p1,
           Global<const float>(static_cast<const float*>(p.x), p.count),
           Global<float>(static_cast<float*>(p.y), p.count));
  }
}

void cast(const Cast& p, Runtime& runtime) {
  if (p.count == 0) return;
  switch (p.from) {
    case Type::float32: return cast_from<float>(p, runtime);
    case Type::int32: return cast_from<int32_t>(p, runtime);
    case Type::boolean: return cast_from<uint8_t>(p, runtime);
  }
}

void select(const Select& p, Runtime& runtime) {
  if (p.count == 0) return;
  if (p.item == 4) run_select<uint32_t>(p, runtime);
  else run_select<uint8_t>(p, runtime);
}

void fill(const Fill& p, Runtime& runtime) {
  if (p.count == 0) return;
  switch (p.type) {
    case Type::float32: return run_fill(p, static_cast<float>(p.value), runtime);
    case Type::int32: return run_fill(p, static_cast<int32_t>(p.value), runtime);
    case Type::boolean: return run_fill(p, static_cast<uint8_t>(p.value != 0), runtime);
  }
}

void add_n(const AddN& p, Runtime& runtime) {
  if (p.count == 0) return;
  for (int first = 0; first < p.inputs; first += most_terms) {
    Terms terms{p.inputs - first < most_terms ? p.inputs - first : most_terms, {}};
    for (int j = 0; j < terms.count; j++) terms.x[j] = Global<const float>(p.x[first + j], p.count);
    launch(add_n_kernel, grid_for(runtime, p.count), block_size, stream_of(runtime), terms, p.count,
           Global<float>(p.y, p.count), first > 0);
  }
}

}  // namespace doppel::cuda
