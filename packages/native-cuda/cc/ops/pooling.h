// Maximum and average pooling and their gradients; nearest resizing and its gradient. NHWC.
#pragma once

namespace doppel {

struct PoolShape {
  int n, h, w, c, oh, ow, kh, kw, sh, sw, top, left;
};

struct Pool {
  PoolShape shape;
  bool max;  // else average, over the pixels inside x
  const float* x;
  float* y;
};

struct PoolGrad {
  PoolShape shape;
  bool max;  // the gradient goes to the first maximum of a window
  const float* dy;
  const float* x;  // read for the maximum only
  float* dx;
};

// Output pixel i reads input pixel `rows[i]`, or `columns[i]`.
struct ResizeNearest {
  int n, h, w, c, oh, ow;
  const int* rows;
  const int* columns;
  const float* x;  // gradient: dy [n, oh, ow, c]
  float* y;        // gradient: dx [n, h, w, c]
  bool gradient;
};

}  // namespace doppel
