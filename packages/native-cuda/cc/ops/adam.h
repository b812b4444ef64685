// DoppelAdam: one step over all parameters in one call, bias-corrected as torch.optim.Adam.
#pragma once
#include <cstdint>

namespace doppel {

struct AdamTensor {
  int64_t count;
  const float *p, *g, *m, *v;
  float *p_out, *m_out, *v_out;
};

struct Adam {
  int tensors;
  const AdamTensor* tensor;
  double learning_rate, beta1, beta2, epsilon;
  int64_t step;                 // from 1
  const float* rate = nullptr;  // a factor of the learning rate, or null
};

}  // namespace doppel
