// What the factors of convolutions and matrix products are rounded to; sums are fp32 always.
#pragma once

namespace doppel {

enum class Precision { fp32, tf32, bf16 };

}  // namespace doppel
