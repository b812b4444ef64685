// Fields of a fused activation: `activation`, and for the leaky one `leakyreluAlpha`, which others leave out.
#pragma once
#include "../fields.h"

namespace doppel {

inline void read(Fields& fields, Activation& activation) {
  fields.get("activation", activation.kind);
  activation.alpha = activation.kind == ActivationKind::relu ? 0.f : 1.f;
  activation.kind == ActivationKind::leakyrelu ? fields.get("leakyreluAlpha", activation.alpha)
                                               : fields.skip("leakyreluAlpha");
}

}  // namespace doppel
