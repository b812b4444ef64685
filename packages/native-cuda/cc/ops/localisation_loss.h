// DoppelLocalisationLoss: the loss of correlation maps, and its gradients by maps and scale in the same pass.
#pragma once
#include <cstdint>

namespace doppel {

// With k = exp(log_scale)·maps, the mean over the w windows of (R_i + C_i)/2 − P_i; log-sum-exps of cells of k:
// P_i of the positive ones of pair (i, i), R_i of all pairs (i, ·), C_i of all pairs (·, i). In R and C pair (i, i)
// goes without the ignored cells, and others only where `rivals` is not 0. t ≥ w; rows from w on are in C only.
struct LocalisationLoss {
  int t, w;
  int64_t cells;
  const float* maps;                // [t, w, cells]
  const float* log_scale;           // [1]
  const float *positive, *ignored;  // [w, cells], 0 or 1
  const float* rivals;              // [t, w], 0 or 1; null: all 1
  float* loss;                      // [1]
  float* dmaps;                     // [t, w, cells]
  float* dlog_scale;                // [1]
};

}  // namespace doppel
