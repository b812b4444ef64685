// BatchMatMul, _FusedMatMul: y[b] = act(op(a[b]) · op(b[b]) + bias), op being the transposition where it is asked for.
#pragma once
#include "activation.h"
#include "precision.h"

namespace doppel {

struct MatMul {
  int batch, m, k, n;
  bool transpose_a, transpose_b;  // a is [m, k] or [k, m]; b is [k, n] or [n, k]
  bool broadcast_a, broadcast_b;  // one matrix serves the whole batch
  Activation activation;
  const float* a;
  const float* b;
  const float* bias;  // [n], or null
  float* y;           // [batch, m, n]
  Precision precision = Precision::fp32;
};

}  // namespace doppel
