// DoppelGammaLikelihood: the loss of log reflectivities under intensities, and its gradient in the same pass.
#pragma once
#include <cstdint>

namespace doppel {

// loss = mean of r + I·exp(−r), dr = (1 − I·exp(−r)) / count
struct GammaLikelihood {
  int64_t count;
  const float *log_reflectivity, *intensity;
  float *loss, *dlog_reflectivity;
};

}  // namespace doppel
