// DoppelConv2D: y = act(x * filter + bias), and its three gradients in one call.
// NHWC, filters HWIO. `top` and `left` count the rows and columns of zeros before x; what lies beyond x is zero too.
#pragma once
#include "activation.h"
#include "precision.h"

namespace doppel {

struct PackedCache;

struct Conv2DShape {
  int n, h, w, ci;  // x
  int kh, kw, co;   // filter [kh, kw, ci, co]
  int oh, ow;       // y [n, oh, ow, co]
  int stride, top, left;
  int dilation = 1;  // pixels from one tap of the filter to the next; more than 1 at stride 1 only
};

struct Conv2D {
  Conv2DShape shape;
  Activation activation;
  const float* x;
  const float* filter;
  const float* bias;  // [co], or null
  float* y;
  PackedCache* packed;  // where the packed filter is kept for the next call with the same filter; may be null
  // Round as little as a plain sum does: where a gradient follows, a ReLU or a maximum that falls to the other side
  // moves it.
  bool exact = false;
  Precision precision = Precision::fp32;
};

// g = dy · act'(y);  dx = g * filter turned,  dfilter = x correlated with g,  dbias = sum of g.
struct Conv2DBackprop {
  Conv2DShape shape;
  Activation activation;
  const float* dy;
  const float* x;       // read only for dfilter
  const float* filter;  // read only for dx
  const float* y;       // read only where there is an activation
  float* dx;            // each of the outputs may be null: not asked for
  float* dfilter;
  float* dbias;
  Precision precision = Precision::fp32;
};

}  // namespace doppel
