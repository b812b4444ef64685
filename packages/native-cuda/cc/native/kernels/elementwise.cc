// Arithmetic by element. Loops over plain arrays, which the compiler turns into this instruction set's vectors.
#include "../../common/arithmetic.h"
#include "table.h"

namespace doppel::DOPPEL_ISA {

namespace {

constexpr int64_t grain = 32768;  // elements below which a second thread costs more than it saves

template <BinaryOp op> struct Arithmetic {
  template <class T> static T of(T a, T b) { return calculate<T>(op, a, b); }
};
template <BinaryOp op> struct Comparison {
  template <class T> static uint8_t of(T a, T b) { return compare<T>(op, a, b); }
};

// Where row `row` of the innermost dimension begins in an input of these strides.
int64_t offset_of(int64_t row, int rank, const int64_t* dims, const int64_t* strides) {
  int64_t offset = 0;
  for (int d = rank - 2; d >= 0; d--) {
    offset += row % dims[d] * strides[d];
    row /= dims[d];
  }
  return offset;
}

// Hot: with a loop of its own for each way to broadcast. The rest shares one strided loop, which keeps the addon quick
// to build.
template <class F, class T, class Y, bool hot> void run_binary(const Binary& p, Runtime& runtime) {
  const T* a = static_cast<const T*>(p.a);
  const T* b = static_cast<const T*>(p.b);
  Y* y = static_cast<Y*>(p.y);
  const int last = p.rank - 1;
  const int64_t inner = p.dims[last], sa = p.a_strides[last], sb = p.b_strides[last];
  int64_t rows = 1;
  for (int d = 0; d < last; d++) rows *= p.dims[d];
  auto piece = [&](const T* pa, const T* pb, Y* to, int64_t n) {
    if constexpr (!hot)
      for (int64_t i = 0; i < n; i++) to[i] = F::of(pa[i * sa], pb[i * sb]);
    else if (sa == 1 && sb == 1)
      for (int64_t i = 0; i < n; i++) to[i] = F::of(pa[i], pb[i]);
    else if (sa == 1 && sb == 0) {
      const T v = *pb;
      for (int64_t i = 0; i < n; i++) to[i] = F::of(pa[i], v);
    } else if (sa == 0 && sb == 1) {
      const T v = *pa;
      for (int64_t i = 0; i < n; i++) to[i] = F::of(v, pb[i]);
    } else
      for (int64_t i = 0; i < n; i++) to[i] = F::of(pa[i * sa], pb[i * sb]);
  };
  if (rows == 1) {
    parallel_range(runtime, inner, grain,
                   [&](int64_t from, int64_t to) { piece(a + from * sa, b + from * sb, y + from, to - from); });
    return;
  }
  parallel_range(runtime, rows, larger<int64_t>(1, grain / larger<int64_t>(inner, 1)), [&](int64_t from, int64_t to) {
    for (int64_t row = from; row < to; row++)
      piece(a + offset_of(row, p.rank, p.dims, p.a_strides), b + offset_of(row, p.rank, p.dims, p.b_strides),
            y + row * inner, inner);
  });
}

template <BinaryOp op> void arithmetic(const Binary& p, Runtime& runtime) {
  constexpr bool hot = op <= BinaryOp::minimum || op == BinaryOp::squared_difference;
  if (p.type == Type::float32) run_binary<Arithmetic<op>, float, float, hot>(p, runtime);
  else run_binary<Arithmetic<op>, int32_t, int32_t, false>(p, runtime);
}

template <BinaryOp op> void comparison(const Binary& p, Runtime& runtime) {
  if (p.type == Type::float32) run_binary<Comparison<op>, float, uint8_t, false>(p, runtime);
  else if (p.type == Type::int32) run_binary<Comparison<op>, int32_t, uint8_t, false>(p, runtime);
  else run_binary<Comparison<op>, uint8_t, uint8_t, false>(p, runtime);
}

template <class T, class Y = T, class F> void run_unary(const Unary& p, Runtime& runtime, F f) {
  const T* x = static_cast<const T*>(p.x);
  Y* y = static_cast<Y*>(p.y);
  parallel_range(runtime, p.count, grain, [&](int64_t from, int64_t to) {
    const F g = f;  // a copy that y cannot overlap: what f holds stays in registers, and the loop becomes vectors
    for (int64_t i = from; i < to; i++) y[i] = g(x[i]);
  });
}

}  // namespace

void binary(const Binary& p, Runtime& runtime) {
  with_constant<BinaryOp::logical_or>(p.op, [&](auto op) {
    if constexpr (op.value >= BinaryOp::equal) comparison<op.value>(p, runtime);
    else arithmetic<op.value>(p, runtime);
  });
}

void unary(const Unary& p, Runtime& runtime) {
  const float p0 = p.p0, p1 = p.p1;
  if (p.op == UnaryOp::logical_not) return run_unary<uint8_t>(p, runtime, [](uint8_t x) -> uint8_t { return !x; });
  if (p.op == UnaryOp::is_nan) return run_unary<float, uint8_t>(p, runtime, [](float x) -> uint8_t { return x != x; });
  with_constant<UnaryOp::clip>(p.op, [&](auto op) {
    if (p.type == Type::int32)
      run_unary<int32_t>(p, runtime, [](int32_t x) { return calculate(decltype(op)::value, x); });
    else run_unary<float>(p, runtime, [p0, p1](float x) { return calculate(decltype(op)::value, x, p0, p1); });
  });
}

void cast(const Cast& p, Runtime& runtime) {
  auto run = [&]<class To>(const auto* x, To* y) {
    parallel_range(runtime, p.count, grain, [&](int64_t from, int64_t to) {
      for (int64_t i = from; i < to; i++) y[i] = converted<To>(x[i]);
    });
  };
  auto to_type = [&](const auto* x) {
    switch (p.to) {
      case Type::float32: return run(x, static_cast<float*>(p.y));
      case Type::int32: return run(x, static_cast<int32_t*>(p.y));
      case Type::boolean: return run(x, static_cast<uint8_t*>(p.y));
    }
  };
  switch (p.from) {
    case Type::float32: return to_type(static_cast<const float*>(p.x));
    case Type::int32: return to_type(static_cast<const int32_t*>(p.x));
    case Type::boolean: return to_type(static_cast<const uint8_t*>(p.x));
  }
}

void select(const Select& p, Runtime& runtime) {
  auto run = [&](const auto* a, const auto* b, auto* y) {
    parallel_range(runtime, p.count, larger<int64_t>(1, grain / p.inner), [&](int64_t from, int64_t to) {
      if (p.inner == 1)
        for (int64_t i = from; i < to; i++) y[i] = p.condition[i] ? a[i] : b[i];
      else
        for (int64_t i = from; i < to; i++)
          std::memcpy(y + i * p.inner, (p.condition[i] ? a : b) + i * p.inner,
                      static_cast<size_t>(p.inner) * sizeof *y);
    });
  };
  if (p.item == 4)
    run(static_cast<const uint32_t*>(p.a), static_cast<const uint32_t*>(p.b), static_cast<uint32_t*>(p.y));
  else run(static_cast<const uint8_t*>(p.a), static_cast<const uint8_t*>(p.b), static_cast<uint8_t*>(p.y));
}

void fill(const Fill& p, Runtime& runtime) {
  auto run = [&](auto* y, auto value) {
    parallel_range(runtime, p.count, grain, [&](int64_t from, int64_t to) {
      for (int64_t i = from; i < to; i++) y[i] = value;
    });
  };
  switch (p.type) {
    case Type::float32: return run(static_cast<float*>(p.y), static_cast<float>(p.value));
    case Type::int32: return run(static_cast<int32_t*>(p.y), static_cast<int32_t>(p.value));
    case Type::boolean: return run(static_cast<uint8_t*>(p.y), static_cast<uint8_t>(p.value != 0));
  }
}

void add_n(const AddN& p, Runtime& runtime) {
  parallel_range(runtime, p.count, grain, [&](int64_t from, int64_t to) {
    for (int64_t i = from; i < to; i++) p.y[i] = p.x[0][i];
    for (int j = 1; j < p.inputs; j++)
      for (int64_t i = from; i < to; i++) p.y[i] += p.x[j][i];
  });
}

}  // namespace doppel::DOPPEL_ISA
