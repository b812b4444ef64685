// The loss of correlation maps with its gradients: sums of each map by a warp, then of rows and columns of maps, then
// the gradients by a warp for each map. Logarithms are doubles: the loss is a small difference of large ones.
#include "block_sum.cuh"

namespace doppel::cuda {

namespace {

constexpr int maps_a_block = block_size / 32;

struct Batch {
  int t, w;
  int64_t cells;
  bool has_rivals;
  Global<const float> maps, log_scale, positive, ignored, rivals;

  __device__ int64_t pairs() const { return int64_t{t} * w; }
  __device__ bool is_own(int64_t pair) const { return pair / w == pair % w; }
  // Whether a cell of a pair is among those of rows and columns.
  __device__ bool counts(int64_t pair, int64_t cell) const {
    if (is_own(pair)) return ignored[pair % w * cells + cell] == 0;
    return !has_rivals || rivals[pair] != 0;
  }
  __device__ bool is_positive(int64_t pair, int64_t cell) const {
    return is_own(pair) && positive[pair % w * cells + cell] != 0;
  }
  __device__ float k(int64_t pair, int64_t cell, float scale) const {
    const float v = maps[pair * cells + cell];
    return v * scale;
  }
};

__device__ float larger_of(float a, float b) { return b > a ? b : a; }

__device__ float warp_max(float v) {
  for (int lanes = 16; lanes > 0; lanes /= 2) v = larger_of(v, __shfl_xor_sync(whole_warp, v, lanes));
  return v;
}

// The log-sum-exp of the cells of a map for which `counts`, by a warp.
template <class F> __device__ double log_of_cells(const Batch& batch, int64_t pair, float scale, const F& counts) {
  const int lane = threadIdx.x % 32;
  float highest = -INFINITY;
  for (int64_t i = lane; i < batch.cells; i += 32)
    if (counts(i)) highest = larger_of(highest, batch.k(pair, i, scale));
  highest = warp_max(highest);
  double total = 0;
  for (int64_t i = lane; i < batch.cells; i += 32)
    if (counts(i)) total += expf(batch.k(pair, i, scale) - highest);
  return static_cast<double>(highest) + ::log(warp_sum(total));
}

__global__ void map_logs_kernel(Batch batch, Global<double> logs, Global<double> hits) {
  const float scale = expf(batch.log_scale[0]);
  for (int64_t pair = int64_t{blockIdx.x} * maps_a_block + threadIdx.x / 32; pair < batch.pairs();
       pair += int64_t{gridDim.x} * maps_a_block) {
    const double log = log_of_cells(batch, pair, scale, [&](int64_t i) { return batch.counts(pair, i); });
    if (threadIdx.x % 32 == 0) logs[pair] = log;
    if (!batch.is_own(pair)) continue;
    const double hit = log_of_cells(batch, pair, scale, [&](int64_t i) { return batch.is_positive(pair, i); });
    if (threadIdx.x % 32 == 0) hits[pair % batch.w] = hit;
  }
}

// The log-sum-exp of `count` logarithms, `stride` apart.
__device__ double log_of(const Global<const double>& logs, int64_t first, int64_t count, int64_t stride) {
  double highest = -INFINITY, total = 0;
  for (int64_t i = 0; i < count; i++) {
    const double log = logs[first + i * stride];
    if (log > highest) highest = log;
  }
  for (int64_t i = 0; i < count; i++) total += ::exp(logs[first + i * stride] - highest);
  return highest + ::log(total);
}

// A thread for each window and its template.
__global__ void row_logs_kernel(int64_t t, int64_t w, Global<const double> logs, Global<const double> hits,
                                Global<double> rows, Global<double> columns, Global<float> losses) {
  for (int64_t i = first_index(); i < w; i += index_step()) {
    const double row = log_of(logs, i * w, w, 1), column = log_of(logs, i, t, w);
    rows[i] = row, columns[i] = column;
    losses[i] = static_cast<float>((row + column) / 2 - hits[i]);
  }
}

// The gradient of each cell, and the sum of gradient · k of each map.
__global__ void map_gradients_kernel(Batch batch, Global<const double> hits, Global<const double> rows,
                                     Global<const double> columns, Global<float> dmaps, Global<float> moments) {
  const float scale = expf(batch.log_scale[0]);
  for (int64_t pair = int64_t{blockIdx.x} * maps_a_block + threadIdx.x / 32; pair < batch.pairs();
       pair += int64_t{gridDim.x} * maps_a_block) {
    const int64_t row = pair / batch.w, window = pair % batch.w;
    const double column_log = columns[window], hit = hits[window];
    const double row_log = row < batch.w ? static_cast<double>(rows[row]) : INFINITY;
    double moment = 0;
    for (int64_t i = threadIdx.x % 32; i < batch.cells; i += 32) {
      const float k = batch.k(pair, i, scale);
      float d = 0;
      if (batch.counts(pair, i))
        d = (expf(static_cast<float>(k - row_log)) + expf(static_cast<float>(k - column_log))) / 2;
      if (batch.is_positive(pair, i)) d -= expf(static_cast<float>(k - hit));
      d /= static_cast<float>(batch.w);
      dmaps[pair * batch.cells + i] = d * scale;
      moment += static_cast<double>(d) * k;
    }
    moment = warp_sum(moment);
    if (threadIdx.x % 32 == 0) moments[pair] = static_cast<float>(moment);
  }
}

}  // namespace

void localisation_loss(const LocalisationLoss& p, Runtime& runtime) {
  const int64_t pairs = int64_t{p.t} * p.w, of_windows = p.w * p.cells;
  const Batch batch{p.t,
                    p.w,
                    p.cells,
                    p.rivals != nullptr,
                    Global<const float>(p.maps, pairs * p.cells),
                    Global<const float>(p.log_scale, 1),
                    Global<const float>(p.positive, of_windows),
                    Global<const float>(p.ignored, of_windows),
                    p.rivals ? Global<const float>(p.rivals, pairs) : Global<const float>()};
  const DeviceScratch<double> logs(runtime, pairs), hits(runtime, p.w), rows(runtime, p.w), columns(runtime, p.w);
  const DeviceScratch<float> losses(runtime, p.w), moments(runtime, pairs);
  const Global<const double> read_logs(logs.data(), pairs), read_hits(hits.data(), p.w), read_rows(rows.data(), p.w),
      read_columns(columns.data(), p.w);
  const Stream stream = stream_of(runtime);
  const dim3 grid = grid_for(runtime, pairs * 32);
  launch(map_logs_kernel, grid, block_size, stream, batch, logs.view(), hits.view());
  launch(row_logs_kernel, grid_for(runtime, p.w), block_size, stream, p.t, p.w, read_logs, read_hits, rows.view(),
         columns.view(), losses.view());
  launch(map_gradients_kernel, grid, block_size, stream, batch, read_hits, read_rows, read_columns,
         Global<float>(p.dmaps, pairs * p.cells), moments.view());
  reduce({ReduceOp::mean, Type::float32, 1, p.w, 1, losses.data(), p.loss}, runtime);
  reduce({ReduceOp::sum, Type::float32, 1, pairs, 1, moments.data(), p.dlog_scale}, runtime);
}

}  // namespace doppel::cuda
