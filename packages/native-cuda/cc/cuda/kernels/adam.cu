// Adam over all parameters in one launch (Kingma and Ba, ICLR 2015, algorithm 1).
#include <cmath>

#include "tensor_table.cuh"

namespace doppel::cuda {

namespace {

// What the correction of the bias makes of a step.
struct Correction {
  float rate, root;
};

__host__ __device__ inline Correction correction_at(double step, double learning_rate, double beta1, double beta2) {
  return {static_cast<float>(learning_rate / (1 - ::pow(beta1, step))),
          static_cast<float>(1 / ::sqrt(1 - ::pow(beta2, step)))};
}

struct Rates {
  Correction correction;      // at the step that the host knows
  Global<const float> factor;  // of the rate
  bool has_factor;
  float epsilon, b1, b2, c1, c2;
};

// By which a replay corrects for its own step.
struct Schedule {
  double step, learning_rate, beta1, beta2;
  Replays replays;
};

__global__ void adam_kernel(const __grid_constant__ TensorTable<AdamTensor> tensors, Rates r, Schedule schedule) {
  DOPPEL_SHARED(float, corrected, 2);
  if (schedule.replays.count) {
    if (threadIdx.x == 0) {
      const double step = schedule.step + static_cast<double>(schedule.replays.done());
      const Correction now = correction_at(step, schedule.learning_rate, schedule.beta1, schedule.beta2);
      corrected[0] = now.rate, corrected[1] = now.root;
    }
    __syncthreads();
    r.correction.rate = corrected[0], r.correction.root = corrected[1];
  }
  if (r.has_factor) r.correction.rate *= r.factor[0];
  const auto& [t, first_run] = entry_of(tensors, blockIdx.x);
  const Global<const float> p(t.p, t.count), g(t.g, t.count), m(t.m, t.count), v(t.v, t.count);
  const Global<float> p_out(t.p_out, t.count), m_out(t.m_out, t.count), v_out(t.v_out, t.count);
  const int64_t first = (blockIdx.x - first_run) * tensor_run,
                last = first + tensor_run < t.count ? first + tensor_run : t.count;
  for (int64_t i = first + threadIdx.x; i < last; i += blockDim.x) {
    const float slope = g[i], old_m = m[i], old_v = v[i], old_p = p[i];
    const float mean = r.b1 * old_m + r.c1 * slope, square = r.b2 * old_v + r.c2 * slope * slope;
    m_out[i] = mean;
    v_out[i] = square;
    p_out[i] = old_p - r.correction.rate * mean / (sqrtf(square) * r.correction.root + r.epsilon);
  }
}

}  // namespace

void adam(const Adam& p, Runtime& runtime) {
  const double step = static_cast<double>(p.step);
  const Rates rates{correction_at(step, p.learning_rate, p.beta1, p.beta2),
                    Global<const float>(p.rate, p.rate ? 1 : 0),
                    p.rate != nullptr,
                    static_cast<float>(p.epsilon),
                    static_cast<float>(p.beta1),
                    static_cast<float>(p.beta2),
                    static_cast<float>(1 - p.beta1),
                    static_cast<float>(1 - p.beta2)};
  const Schedule schedule{step, p.learning_rate, p.beta1, p.beta2, device_of(runtime).replays};
  each_table(p.tensor, p.tensors, [&](const TensorTable<AdamTensor>& table, dim3 grid) {
    launch(adam_kernel, grid, block_size, stream_of(runtime), table, rates, schedule);
  });
}

}  // namespace doppel::cuda
