// Activations that are fused into convolutions, matrix products and batch normalisation.
#pragma once

namespace doppel {

enum class ActivationKind { linear, relu, leakyrelu };

struct Activation {
  ActivationKind kind = ActivationKind::linear;
  float alpha = 0;  // slope below 0: 1 (linear), 0 (relu), or leakyrelu's
};

}  // namespace doppel
