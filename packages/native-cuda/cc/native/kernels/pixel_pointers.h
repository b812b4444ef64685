// Where a convolution reads each tap of each output pixel, for the indirect matrix kernel.
#pragma once
#include "indirect_gemm.h"

namespace doppel::DOPPEL_ISA {

// Zeros to which taps outside the picture point.
class Zeros {
 public:
  Zeros(Runtime& runtime, int64_t k) : block_(runtime, static_cast<size_t>(k)) {
    std::memset(block_.data(), 0, static_cast<size_t>(k) * 4);
  }
  const float* data() const { return block_.data(); }

 private:
  Scratch block_;
};

// Fills the pointers of output pixel i; x has `words` 32-bit words a pixel.
struct PixelPointers {
  const Conv2DShape& s;
  const float* x;
  int words;
  const float* zero;
  float* y;

  float* operator()(int64_t i, const float** pointers, int stride) const {
    const int64_t row = int64_t{s.w} * words, pixels = int64_t{s.oh} * s.ow;
    const int64_t image = i / pixels, within = i - image * pixels;
    const int oy = static_cast<int>(within / s.ow), ox = static_cast<int>(within - int64_t{oy} * s.ow);
    const int y0 = oy * s.stride - s.top, x0 = ox * s.stride - s.left;
    const float* at = x + (image * s.h + y0) * row + int64_t{x0} * words;  // of tap 0; may lie outside
    const int reach_y = (s.kh - 1) * s.dilation, reach_x = (s.kw - 1) * s.dilation;
    const bool inside = y0 >= 0 && x0 >= 0 && y0 + reach_y < s.h && x0 + reach_x < s.w;
    for (int y = 0; y <= reach_y; y += s.dilation) {
      const bool row_inside = inside || (y0 + y >= 0 && y0 + y < s.h);
      for (int x = 0; x <= reach_x; x += s.dilation, pointers += stride) {
        *pointers = inside || (row_inside && x0 + x >= 0 && x0 + x < s.w) ? at + y * row + x * words : zero;
      }
    }
    return y + i * s.co;
  }
};

}  // namespace doppel::DOPPEL_ISA
