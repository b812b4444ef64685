// What the factors of convolutions and matrix products are rounded to; sums are fp32 always.
#pragma once
#include "named_enum.h"

namespace doppel {

DOPPEL_NAMED_ENUM(Precision, fp32, tf32, bf16);

}  // namespace doppel
