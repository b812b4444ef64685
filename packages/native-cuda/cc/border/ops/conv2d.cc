#include "../run_op.h"
#include "activation.h"

namespace doppel {

namespace {

void read(Fields& f, Conv2DShape& s) {
  f.positive("n", s.n);
  f.positive("h", s.h);
  f.positive("w", s.w);
  f.positive("ci", s.ci);
  f.positive("kh", s.kh);
  f.positive("kw", s.kw);
  f.positive("co", s.co);
  f.positive("oh", s.oh);
  f.positive("ow", s.ow);
  f.positive("stride", s.stride);
  f.get("top", s.top);
  f.get("left", s.left);
  f.positive("dilation", s.dilation);
  f.need(s.stride == 1 || s.dilation == 1, "dilation", "must be 1 at strides greater than 1");
}

int64_t x_count(const Conv2DShape& s) { return int64_t{s.n} * s.h * s.w * s.ci; }
int64_t y_count(const Conv2DShape& s) { return int64_t{s.n} * s.oh * s.ow * s.co; }
int64_t filter_count(const Conv2DShape& s) { return int64_t{s.kh} * s.kw * s.ci * s.co; }

}  // namespace

void read(Fields& f, Conv2D& p) {
  read(f, p.shape);
  read(f, p.activation);
  f.get("exact", p.exact);
  f.get("precision", p.precision);
  f.in("x", p.x, x_count(p.shape));
  f.in("filter", p.filter, p.packed, filter_count(p.shape));
  f.in_if_given("bias", p.bias, p.shape.co);
  f.out("y", p.y, y_count(p.shape));
}

// x is needed for dfilter only, the filter for dx, and y where there is an activation.
void read(Fields& f, Conv2DBackprop& p) {
  read(f, p.shape);
  read(f, p.activation);
  f.get("precision", p.precision);
  f.in("dy", p.dy, y_count(p.shape));
  p.activation.kind != ActivationKind::linear ? f.in("y", p.y, y_count(p.shape)) : f.skip("y");
  f.out_if_given("dx", p.dx, x_count(p.shape));
  p.dx ? f.in("filter", p.filter, filter_count(p.shape)) : f.skip("filter");
  f.out_if_given("dfilter", p.dfilter, filter_count(p.shape));
  p.dfilter ? f.in("x", p.x, x_count(p.shape)) : f.skip("x");
  f.out_if_given("dbias", p.dbias, p.shape.co);
}

}  // namespace doppel
