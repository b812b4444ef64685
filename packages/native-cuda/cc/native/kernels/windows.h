// Where a convolution reads the window of each output pixel, for the indirect matrix kernel.
//
// A row of a window is one run of memory, as pixels and their channels lie together: one pointer a row, and few
// channels still make a long inner loop. Where the picture's edge cuts the row, a copy with zeros stands in for it. The
// taps of a dilated window lie apart: one pointer each.
#pragma once
#include "indirect_gemm.h"

namespace doppel::DOPPEL_ISA {

struct Windows {
  const float* x;
  int h, w, words;  // the picture, and 32-bit words of a pixel
  int rows, columns, dilation;
  int oh, ow, down, across, top, left;  // output (y, x) has the window that starts at (y·down − top, x·across − left)
  float* y;
  int64_t y_image, y_row, y_pixel;  // floats from one output to the next
  const float* zeros;               // of a row of a window

  bool has_runs() const { return dilation == 1 && columns > 0; }
  int taps() const { return has_runs() ? rows : rows * columns; }
  int k() const { return has_runs() ? columns * words : words; }
  int64_t outputs(int64_t images) const { return images * oh * ow; }

  // Output pixels in their order. `copies` has room for the windows of a task.
  class Cursor {
   public:
    Cursor(const Windows& windows, int64_t first, float* copies)
        : s_(windows), row_(int64_t{s_.w} * s_.words), copies_(copies) {
      image_ = first / (int64_t{s_.oh} * s_.ow);
      const int within = static_cast<int>(first - image_ * s_.oh * s_.ow);
      y_ = within / s_.ow, x_ = within - y_ * s_.ow;
      start_row();
    }

    float* next(const float** pointers, int step) {
      if (!s_.has_runs()) point_to_taps(pointers, step);
      else if (whole_rows_ && x0_ >= 0 && x0_ + s_.columns <= s_.w)
        for (int i = 0; i < s_.rows; i++) pointers[i * step] = at_ + i * row_;
      else point_to_cut_runs(pointers, step);
      float* to = to_;
      if (++x_ == s_.ow) next_row();
      else at_ += int64_t{s_.across} * s_.words, x0_ += s_.across, to_ += s_.y_pixel;
      return to;
    }

   private:
    void next_row() {
      x_ = 0;
      if (++y_ == s_.oh) y_ = 0, image_++;
      start_row();
    }
    void start_row() {
      y0_ = y_ * s_.down - s_.top, x0_ = x_ * s_.across - s_.left;
      whole_rows_ = y0_ >= 0 && y0_ + s_.rows <= s_.h;
      at_ = s_.x + (image_ * s_.h + y0_) * row_ + int64_t{x0_} * s_.words;
      to_ = s_.y + image_ * s_.y_image + y_ * s_.y_row + x_ * s_.y_pixel;
    }
    void point_to_cut_runs(const float** pointers, int step) {
      const bool whole = x0_ >= 0 && x0_ + s_.columns <= s_.w;
      for (int i = 0; i < s_.rows; i++) {
        const bool inside = y0_ + i >= 0 && y0_ + i < s_.h;
        pointers[i * step] = !inside ? s_.zeros : whole ? at_ + i * row_ : copied(at_ + i * row_);
      }
    }
    const float* copied(const float* at) {
      const float* copy = copies_;
      for (int j = 0; j < s_.columns; j++, copies_ += s_.words) {
        const bool inside = x0_ + j >= 0 && x0_ + j < s_.w;
        std::memcpy(copies_, inside ? at + int64_t{j} * s_.words : s_.zeros, static_cast<size_t>(s_.words) * 4);
      }
      return copy;
    }
    void point_to_taps(const float** pointers, int step) const {
      for (int i = 0; i < s_.rows; i++) {
        const int y = i * s_.dilation;
        for (int j = 0; j < s_.columns; j++, pointers += step) {
          const int x = j * s_.dilation;
          const bool inside = y0_ + y >= 0 && y0_ + y < s_.h && x0_ + x >= 0 && x0_ + x < s_.w;
          *pointers = inside ? at_ + y * row_ + int64_t{x} * s_.words : s_.zeros;
        }
      }
    }

    const Windows& s_;
    int64_t row_;
    float* copies_;
    int64_t image_;
    int y_, x_;        // of the next output
    int y0_, x0_;      // where its window starts
    bool whole_rows_;  // none outside the picture
    const float* at_;  // the window's start; may lie outside
    float* to_;
  };
  Cursor from(int64_t first, float* copies) const { return Cursor(*this, first, copies); }
};

// Zeros that stand for what lies outside the picture.
class Zeros {
 public:
  Zeros(Runtime& runtime, int64_t count) : block_(runtime, static_cast<size_t>(count)) {
    std::memset(block_.data(), 0, static_cast<size_t>(count) * 4);
  }
  const float* data() const { return block_.data(); }

 private:
  Scratch block_;
};

// The windows of a convolution's outputs; x has `words` a pixel.
inline Windows windows_of(const Conv2DShape& s, const float* x, int words, float* y, const Zeros& zeros) {
  return {x,
          s.h,
          s.w,
          words,
          s.kh,
          s.kw,
          s.dilation,
          s.oh,
          s.ow,
          s.stride,
          s.stride,
          s.top,
          s.left,
          y,
          int64_t{s.oh} * s.ow * s.co,
          int64_t{s.ow} * s.co,
          s.co,
          zeros.data()};
}

}  // namespace doppel::DOPPEL_ISA
