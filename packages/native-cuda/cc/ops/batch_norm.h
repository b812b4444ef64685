// DoppelBatchNorm (training statistics), forward and backward, and FusedBatchNorm.
#pragma once
#include <cstdint>

#include "activation.h"

namespace doppel {

// y = act((x − mean) / sqrt(variance + ε) · γ + β) over rows of c channels
struct BatchNorm {
  int64_t rows;
  int c;
  float epsilon;
  Activation activation;
  const float *x, *gamma, *beta;
  float *y, *mean, *variance;
};

// FusedBatchNorm: the same with statistics that are given, no activation; gamma and beta may be null (1 and 0).
struct BatchNormInference {
  int64_t rows;
  int c;
  float epsilon;
  const float *x, *gamma, *beta, *mean, *variance;
  float* y;
};

struct BatchNormBackprop {
  int64_t rows;
  int c;
  float epsilon;
  Activation activation;
  const float *dy, *x, *gamma, *beta, *mean, *variance;
  float *dx, *dgamma, *dbeta;
};

}  // namespace doppel
