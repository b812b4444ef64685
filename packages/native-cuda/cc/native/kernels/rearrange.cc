// Copies that change places.
#include "table.h"

namespace doppel::DOPPEL_ISA {

namespace {

template <class T> void copy_rows(const StridedCopy& p, Runtime& runtime) {
  const T* x = static_cast<const T*>(p.x);
  T* y = static_cast<T*>(p.y);
  const int last = p.rank - 1;
  const int64_t inner = p.dims[last], sx = p.x_strides[last], sy = p.y_strides[last];
  int64_t rows = 1;
  for (int d = 0; d < last; d++) rows *= p.dims[d];
  auto piece = [&](const T* from, T* to, int64_t n) {
    if (sx == 1 && sy == 1) std::memcpy(to, from, static_cast<size_t>(n) * sizeof(T));
    else if (sx == 0 && sy == 1) {
      const T v = *from;
      for (int64_t i = 0; i < n; i++) to[i] = v;
    } else
      for (int64_t i = 0; i < n; i++) to[i * sy] = from[i * sx];
  };
  if (rows == 1)
    return parallel_range(runtime, inner, 65536,
                          [&](int64_t from, int64_t to) { piece(x + from * sx, y + from * sy, to - from); });
  parallel_range(runtime, rows, larger<int64_t>(1, 32768 / larger<int64_t>(inner, 1)), [&](int64_t from, int64_t to) {
    for (int64_t row = from; row < to; row++) {
      int64_t at = row, xo = 0, yo = 0;
      for (int d = last - 1; d >= 0; d--) {
        const int64_t i = at % p.dims[d];
        at /= p.dims[d];
        xo += i * p.x_strides[d];
        yo += i * p.y_strides[d];
      }
      piece(x + xo, y + yo, inner);
    }
  });
}

}  // namespace

void strided_copy(const StridedCopy& p, Runtime& runtime) {
  if (p.item == 4) copy_rows<uint32_t>(p, runtime);
  else copy_rows<uint8_t>(p, runtime);
}

void gather(const Gather& p, Runtime& runtime) {
  const size_t bytes = static_cast<size_t>(p.inner) * p.item;
  const char* x = static_cast<const char*>(p.x);
  char* y = static_cast<char*>(p.y);
  parallel_range(runtime, p.outer * p.indices, larger<int64_t>(1, 32768 / larger<int64_t>(p.inner, 1)),
                 [&](int64_t from, int64_t to) {
                   for (int64_t i = from; i < to; i++) {
                     const int64_t o = i / p.indices, index = p.index[i % p.indices];
                     if (index < 0 || index >= p.axis) std::memset(y + i * bytes, 0, bytes);
                     else std::memcpy(y + i * bytes, x + (o * p.axis + index) * bytes, bytes);
                   }
                 });
}

void one_hot(const OneHot& p, Runtime& runtime) {
  auto run = [&](auto* y, auto on, auto off) {
    parallel_range(runtime, p.count, larger<int64_t>(1, 32768 / p.depth), [&](int64_t from, int64_t to) {
      for (int64_t i = from; i < to; i++)
        for (int j = 0; j < p.depth; j++) y[i * p.depth + j] = p.index[i] == j ? on : off;
    });
  };
  if (p.type == Type::float32) run(static_cast<float*>(p.y), p.on, p.off);
  else if (p.type == Type::int32)
    run(static_cast<int32_t*>(p.y), static_cast<int32_t>(p.on), static_cast<int32_t>(p.off));
  else run(static_cast<uint8_t*>(p.y), static_cast<uint8_t>(p.on != 0), static_cast<uint8_t>(p.off != 0));
}

}  // namespace doppel::DOPPEL_ISA
