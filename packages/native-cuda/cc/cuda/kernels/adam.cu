// Adam over all parameters in one launch (Kingma and Ba, ICLR 2015, algorithm 1). The table of tensors travels with the launch
// as a parameter of the kernel: up to 32,764 bytes since CUDA 12.1.
#include <cmath>

#include "../runtime.cuh"

namespace doppel::cuda {

namespace {

constexpr int64_t run = 4096;      // elements of a block
constexpr int most_tensors = 400;  // in a table of 28,800 bytes

struct Entry {
  AdamTensor tensor;
  int64_t first_run;  // of all tensors' runs in a row
};

struct Table {
  int tensors;
  Entry entry[most_tensors];
};
static_assert(sizeof(Table) < 32000, "the table must fit in a kernel's parameters");

struct Rates {
  float rate, correction, epsilon, b1, b2, c1, c2;
};

// The last entry that begins at this run or before.
__device__ int entry_of(const Table& table, int64_t index) {
  int low = 0, high = table.tensors - 1;
  while (low < high) {
    const int middle = (low + high + 1) / 2;
    if (table.entry[middle].first_run <= index) low = middle;
    else high = middle - 1;
  }
  return low;
}

__global__ void adam_kernel(const __grid_constant__ Table tensors, Rates r) {
  const Entry& entry = tensors.entry[entry_of(tensors, blockIdx.x)];
  const AdamTensor& t = entry.tensor;
  const Global<const float> p(t.p, t.count), g(t.g, t.count), m(t.m, t.count), v(t.v, t.count);
  const Global<float> p_out(t.p_out, t.count), m_out(t.m_out, t.count), v_out(t.v_out, t.count);
  const int64_t first = (blockIdx.x - entry.first_run) * run, last = first + run < t.count ? first + run : t.count;
  for (int64_t i = first + threadIdx.x; i < last; i += blockDim.x) {
    const float slope = g[i], old_m = m[i], old_v = v[i], old_p = p[i];
    const float mean = r.b1 * old_m + r.c1 * slope, square = r.b2 * old_v + r.c2 * slope * slope;
    m_out[i] = mean;
    v_out[i] = square;
    p_out[i] = old_p - r.rate * mean / (sqrtf(square) * r.correction + r.epsilon);
  }
}

Rates rates_of(const Adam& p) {
  const double step = static_cast<double>(p.step);
  return {static_cast<float>(p.learning_rate / (1 - std::pow(p.beta1, step))),
          static_cast<float>(1 / std::sqrt(1 - std::pow(p.beta2, step))),
          static_cast<float>(p.epsilon),
          static_cast<float>(p.beta1),
          static_cast<float>(p.beta2),
          static_cast<float>(1 - p.beta1),
          static_cast<float>(1 - p.beta2)};
}

}  // namespace

void adam(const Adam& p, Runtime& runtime) {
  const Rates rates = rates_of(p);
  for (int first = 0; first < p.tensors; first += most_tensors) {
    Table table{};
    int64_t runs = 0;
    for (int i = first; i < p.tensors && table.tensors < most_tensors; i++) {
      if (p.tensor[i].count == 0) continue;
      table.entry[table.tensors++] = {p.tensor[i], runs};
      runs += ceil_div(p.tensor[i].count, run);
    }
    if (runs > 0) launch(adam_kernel, dim3(static_cast<unsigned>(runs)), block_size, stream_of(runtime), table, rates);
  }
}

}  // namespace doppel::cuda
