// Arithmetic by element. Loops over plain arrays, which the compiler turns into this instruction set's vectors.
#include <cmath>

#include "table.h"

namespace doppel::DOPPEL_ISA {

namespace {

constexpr int64_t grain = 32768;  // elements below which a second thread costs more than it saves

struct Add {
  template <class T> static T of(T a, T b) { return a + b; }
};
struct Sub {
  template <class T> static T of(T a, T b) { return a - b; }
};
struct Mul {
  template <class T> static T of(T a, T b) { return a * b; }
};
struct Div {
  static float of(float a, float b) { return a / b; }
  static int32_t of(int32_t a, int32_t b) { return b == 0 ? 0 : a / b; }
};
struct Maximum {
  template <class T> static T of(T a, T b) { return a > b || a != a ? a : b; }
};
struct Minimum {
  template <class T> static T of(T a, T b) { return a < b || a != a ? a : b; }
};
struct Pow {
  static float of(float a, float b) { return b == 2 ? a * a : ::powf(a, b); }
  static int32_t of(int32_t a, int32_t b) { return static_cast<int32_t>(::pow(a, b)); }
};
struct SquaredDifference {
  template <class T> static T of(T a, T b) { return (a - b) * (a - b); }
};
struct FloorDiv {
  static float of(float a, float b) { return ::floorf(a / b); }
  static int32_t of(int32_t a, int32_t b) {
    return b == 0 ? 0 : static_cast<int32_t>(::floor(static_cast<double>(a) / b));
  }
};
struct Mod {
  static float of(float a, float b) {
    const float r = ::fmodf(a, b);
    return (a < 0) == (b < 0) ? r : ::fmodf(r + b, b);
  }
  static int32_t of(int32_t a, int32_t b) { return b == 0 ? 0 : ((a % b) + b) % b; }
};
struct Prelu {
  template <class T> static T of(T a, T b) { return a < 0 ? a * b : a; }
};
struct Equal {
  template <class T> static uint8_t of(T a, T b) { return a == b; }
};
struct NotEqual {
  template <class T> static uint8_t of(T a, T b) { return a != b; }
};
struct Greater {
  template <class T> static uint8_t of(T a, T b) { return a > b; }
};
struct GreaterEqual {
  template <class T> static uint8_t of(T a, T b) { return a >= b; }
};
struct Less {
  template <class T> static uint8_t of(T a, T b) { return a < b; }
};
struct LessEqual {
  template <class T> static uint8_t of(T a, T b) { return a <= b; }
};
struct And {
  template <class T> static uint8_t of(T a, T b) { return a && b; }
};
struct Or {
  template <class T> static uint8_t of(T a, T b) { return a || b; }
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

template <class F, bool hot = true> void arithmetic(const Binary& p, Runtime& runtime) {
  if (p.type == Type::float32) run_binary<F, float, float, hot>(p, runtime);
  else run_binary<F, int32_t, int32_t, false>(p, runtime);
}

template <class F> void comparison(const Binary& p, Runtime& runtime) {
  if (p.type == Type::float32) run_binary<F, float, uint8_t, false>(p, runtime);
  else if (p.type == Type::int32) run_binary<F, int32_t, uint8_t, false>(p, runtime);
  else run_binary<F, uint8_t, uint8_t, false>(p, runtime);
}

template <class T, class Y = T, class F> void run_unary(const Unary& p, Runtime& runtime, F f) {
  const T* x = static_cast<const T*>(p.x);
  Y* y = static_cast<Y*>(p.y);
  parallel_range(runtime, p.count, grain, [&](int64_t from, int64_t to) {
    const F g = f;  // a copy that y cannot overlap: what f holds stays in registers, and the loop becomes vectors
    for (int64_t i = from; i < to; i++) y[i] = g(x[i]);
  });
}

float sign_of(float x) { return x > 0 ? 1.f : x < 0 ? -1.f : x; }
float round_half_even(float x) { return ::nearbyintf(x); }

void unary_int(const Unary& p, Runtime& runtime) {
  switch (p.op) {
    case UnaryOp::neg: return run_unary<int32_t>(p, runtime, [](int32_t x) { return -x; });
    case UnaryOp::abs: return run_unary<int32_t>(p, runtime, [](int32_t x) { return x < 0 ? -x : x; });
    default:
      return run_unary<int32_t>(p, runtime,
                                [](int32_t x) { return x * x; });  // square; the border lets no other through
  }
}

}  // namespace

void binary(const Binary& p, Runtime& runtime) {
  switch (p.op) {
    case BinaryOp::add: return arithmetic<Add>(p, runtime);
    case BinaryOp::sub: return arithmetic<Sub>(p, runtime);
    case BinaryOp::mul: return arithmetic<Mul>(p, runtime);
    case BinaryOp::div: return arithmetic<Div>(p, runtime);
    case BinaryOp::maximum: return arithmetic<Maximum>(p, runtime);
    case BinaryOp::minimum: return arithmetic<Minimum>(p, runtime);
    case BinaryOp::pow: return arithmetic<Pow, false>(p, runtime);
    case BinaryOp::squared_difference: return arithmetic<SquaredDifference>(p, runtime);
    case BinaryOp::floor_div: return arithmetic<FloorDiv, false>(p, runtime);
    case BinaryOp::mod: return arithmetic<Mod, false>(p, runtime);
    case BinaryOp::prelu: return arithmetic<Prelu, false>(p, runtime);
    case BinaryOp::equal: return comparison<Equal>(p, runtime);
    case BinaryOp::not_equal: return comparison<NotEqual>(p, runtime);
    case BinaryOp::greater: return comparison<Greater>(p, runtime);
    case BinaryOp::greater_equal: return comparison<GreaterEqual>(p, runtime);
    case BinaryOp::less: return comparison<Less>(p, runtime);
    case BinaryOp::less_equal: return comparison<LessEqual>(p, runtime);
    case BinaryOp::logical_and: return comparison<And>(p, runtime);
    case BinaryOp::logical_or: return comparison<Or>(p, runtime);
  }
}

void unary(const Unary& p, Runtime& runtime) {
  const float p0 = p.p0, p1 = p.p1;
  if (p.op == UnaryOp::logical_not) return run_unary<uint8_t>(p, runtime, [](uint8_t x) -> uint8_t { return !x; });
  if (p.type == Type::int32) return unary_int(p, runtime);
  auto run = [&](auto f) { run_unary<float>(p, runtime, f); };
  switch (p.op) {
    case UnaryOp::neg: return run([](float x) { return -x; });
    case UnaryOp::abs: return run([](float x) { return ::fabsf(x); });
    case UnaryOp::exp: return run([](float x) { return ::expf(x); });
    case UnaryOp::expm1: return run([](float x) { return ::expm1f(x); });
    case UnaryOp::log: return run([](float x) { return ::logf(x); });
    case UnaryOp::log1p: return run([](float x) { return ::log1pf(x); });
    case UnaryOp::sqrt: return run([](float x) { return ::sqrtf(x); });
    case UnaryOp::rsqrt: return run([](float x) { return 1.f / ::sqrtf(x); });
    case UnaryOp::square: return run([](float x) { return x * x; });
    case UnaryOp::reciprocal: return run([](float x) { return 1.f / x; });
    case UnaryOp::sigmoid: return run([](float x) { return 1.f / (1.f + ::expf(-x)); });
    case UnaryOp::tanh: return run([](float x) { return ::tanhf(x); });
    case UnaryOp::relu: return run([](float x) { return x < 0 ? 0.f : x; });
    case UnaryOp::relu6: return run([](float x) { return x < 0 ? 0.f : x > 6 ? 6.f : x; });
    case UnaryOp::leakyrelu: return run([p0](float x) { return x < 0 ? p0 * x : x; });
    case UnaryOp::elu: return run([](float x) { return x < 0 ? ::expm1f(x) : x; });
    case UnaryOp::softplus: return run([](float x) { return x > 20 ? x : ::log1pf(::expf(x)); });
    case UnaryOp::step: return run([p0](float x) { return x != x ? x : x > 0 ? 1.f : p0; });
    case UnaryOp::sign: return run(sign_of);
    case UnaryOp::floor: return run([](float x) { return ::floorf(x); });
    case UnaryOp::ceil: return run([](float x) { return ::ceilf(x); });
    case UnaryOp::round: return run(round_half_even);
    case UnaryOp::sin: return run([](float x) { return ::sinf(x); });
    case UnaryOp::cos: return run([](float x) { return ::cosf(x); });
    case UnaryOp::erf: return run([](float x) { return ::erff(x); });
    case UnaryOp::clip: return run([p0, p1](float x) { return x < p0 ? p0 : x > p1 ? p1 : x; });
    case UnaryOp::is_nan: return run_unary<float, uint8_t>(p, runtime, [](float x) -> uint8_t { return x != x; });
    case UnaryOp::logical_not: return;
  }
}

void cast(const Cast& p, Runtime& runtime) {
  auto run = [&](const auto* x, auto* y, auto f) {
    parallel_range(runtime, p.count, grain, [&](int64_t from, int64_t to) {
      for (int64_t i = from; i < to; i++) y[i] = f(x[i]);
    });
  };
  auto to_type = [&](const auto* x) {
    switch (p.to) {
      case Type::float32: return run(x, static_cast<float*>(p.y), [](auto v) { return static_cast<float>(v); });
      case Type::int32:
        return run(x, static_cast<int32_t*>(p.y), [](auto v) { return v == v ? static_cast<int32_t>(v) : 0; });
      case Type::boolean: return run(x, static_cast<uint8_t*>(p.y), [](auto v) -> uint8_t { return v != 0; });
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
