// Copies that change the place of elements.
#include "../runtime.cuh"

namespace doppel::cuda {

namespace {

struct Walk {
  int rank;
  int64_t dims[max_rank], x[max_rank], y[max_rank];
};

template <class T> __global__ void strided_copy_kernel(Walk walk, int64_t count, Global<const T> x, Global<T> y) {
  for (int64_t i = first_index(); i < count; i += index_step()) {
    int64_t rest = i, from = 0, to = 0;
    for (int d = walk.rank - 1; d > 0; d--) {
      const int64_t next = rest / walk.dims[d], along = rest - next * walk.dims[d];
      from += along * walk.x[d];
      to += along * walk.y[d];
      rest = next;
    }
    const T v = x[from + rest * walk.x[0]];
    y[to + rest * walk.y[0]] = v;
  }
}

template <class T> void run_strided_copy(const StridedCopy& p, Runtime& runtime) {
  Walk walk{p.rank, {}, {}, {}};
  int64_t count = 1, reach_x = 1, reach_y = 1;
  for (int d = 0; d < p.rank; d++) {
    walk.dims[d] = p.dims[d], walk.x[d] = p.x_strides[d], walk.y[d] = p.y_strides[d];
    count *= p.dims[d];
    reach_x += (p.dims[d] - 1) * p.x_strides[d];
    reach_y += (p.dims[d] - 1) * p.y_strides[d];
  }
  launch(strided_copy_kernel<T>, grid_for(runtime, count), block_size, stream_of(runtime), walk, count,
         Global<const T>(static_cast<const T*>(p.x), reach_x), Global<T>(static_cast<T*>(p.y), reach_y));
}

// An index outside the axis reads zeros.
template <class T>
__global__ void gather_kernel(int64_t count, int64_t axis, int64_t inner, int64_t indices, Global<const T> x,
                              Global<const int32_t> index, Global<T> y) {
  for (int64_t i = first_index(); i < count; i += index_step()) {
    const int64_t row = i / inner, outer = row / indices;
    const int32_t at = index[row % indices];
    T v{};
    if (at >= 0 && at < axis) v = x[(outer * axis + at) * inner + i % inner];
    y[i] = v;
  }
}

template <class T> void run_gather(const Gather& p, Runtime& runtime) {
  const int64_t count = p.outer * p.indices * p.inner;
  if (count == 0) return;
  launch(gather_kernel<T>, grid_for(runtime, count), block_size, stream_of(runtime), count, p.axis, p.inner, p.indices,
         Global<const T>(static_cast<const T*>(p.x), p.outer * p.axis * p.inner),
         Global<const int32_t>(p.index, p.indices), Global<T>(static_cast<T*>(p.y), count));
}

template <class T>
__global__ void one_hot_kernel(int64_t count, int depth, T on, T off, Global<const int32_t> index, Global<T> y) {
  for (int64_t i = first_index(); i < count; i += index_step()) {
    const int32_t at = index[i / depth];
    y[i] = at == i % depth ? on : off;
  }
}

template <class T> void run_one_hot(const OneHot& p, T on, T off, Runtime& runtime) {
  const int64_t count = p.count * p.depth;
  if (count == 0) return;
  launch(one_hot_kernel<T>, grid_for(runtime, count), block_size, stream_of(runtime), count, p.depth, on, off,
         Global<const int32_t>(p.index, p.count), Global<T>(static_cast<T*>(p.y), count));
}

}  // namespace

void strided_copy(const StridedCopy& p, Runtime& runtime) {
  if (p.item == 4) run_strided_copy<uint32_t>(p, runtime);
  else run_strided_copy<uint8_t>(p, runtime);
}

void gather(const Gather& p, Runtime& runtime) {
  if (p.item == 4) run_gather<uint32_t>(p, runtime);
  else run_gather<uint8_t>(p, runtime);
}

void one_hot(const OneHot& p, Runtime& runtime) {
  if (p.type == Type::float32) run_one_hot(p, p.on, p.off, runtime);
  else if (p.type == Type::int32) run_one_hot(p, static_cast<int32_t>(p.on), static_cast<int32_t>(p.off), runtime);
  else run_one_hot(p, static_cast<uint8_t>(p.on != 0), static_cast<uint8_t>(p.off != 0), runtime);
}

}  // namespace doppel::cuda
