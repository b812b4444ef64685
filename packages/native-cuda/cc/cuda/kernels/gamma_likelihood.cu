// Gamma likelihood with its gradient: the terms by element, then their mean.
#include "../runtime.cuh"

namespace doppel::cuda {

namespace {

__global__ void gamma_likelihood_kernel(int64_t count, Global<const float> log_reflectivity,
                                        Global<const float> intensity, Global<float> terms, Global<float> d) {
  for (int64_t i = first_index(); i < count; i += index_step()) {
    const float r = log_reflectivity[i], ratio = intensity[i] * expf(-r);
    terms[i] = r + ratio;
    d[i] = (1 - ratio) / static_cast<float>(count);
  }
}

}  // namespace

void gamma_likelihood(const GammaLikelihood& p, Runtime& runtime) {
  const DeviceScratch<float> terms(runtime, p.count);
  launch(gamma_likelihood_kernel, grid_for(runtime, p.count), block_size, stream_of(runtime), p.count,
         Global<const float>(p.log_reflectivity, p.count), Global<const float>(p.intensity, p.count), terms.view(),
         Global<float>(p.dlog_reflectivity, p.count));
  reduce({ReduceOp::mean, Type::float32, 1, p.count, 1, terms.data(), p.loss}, runtime);
}

}  // namespace doppel::cuda
