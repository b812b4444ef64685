// DoppelCorrelate: templates [t, h, v, c] at every place of windows [w, height, width, c], and its two gradients.
#pragma once
#include <cstdint>

namespace doppel {

struct CorrelateShape {
  int t, h, v, c;
  int w, height, width;

  int rows() const { return height - h + 1; }
  int columns() const { return width - v + 1; }
  int64_t templates_count() const { return int64_t{t} * h * v * c; }
  int64_t windows_count() const { return int64_t{w} * height * width * c; }
  int64_t maps_count() const { return int64_t{t} * w * rows() * columns(); }
};

// y[t, w, i, j] = 1/(h·v) Σ templates[t, y, x, c] · windows[w, i + y, j + x, c]: [t, w, rows, columns]
struct Correlate {
  CorrelateShape shape;
  const float *templates, *windows;
  float* y;
};

struct CorrelateBackprop {
  CorrelateShape shape;
  const float *dy, *templates, *windows;
  float *dtemplates, *dwindows;
};

}  // namespace doppel
