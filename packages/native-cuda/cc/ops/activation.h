// Activations that are fused into convolutions, matrix products and batch normalisation.
#pragma once
#include "named_enum.h"

namespace doppel {

DOPPEL_NAMED_ENUM(ActivationKind, linear, relu, leakyrelu);

struct Activation {
  ActivationKind kind = ActivationKind::linear;
  float alpha = 0;  // slope below 0: 1 (linear), 0 (relu), or leakyrelu's
};

}  // namespace doppel
