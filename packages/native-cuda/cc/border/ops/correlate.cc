#include "../run_op.h"

namespace doppel {

namespace {

void read(Fields& f, CorrelateShape& s) {
  f.positive("t", s.t);
  f.positive("h", s.h);
  f.positive("v", s.v);
  f.positive("c", s.c);
  f.positive("w", s.w);
  f.positive("height", s.height);
  f.positive("width", s.width);
  f.need(s.height >= s.h, "height", "must be at least h");
  f.need(s.width >= s.v, "width", "must be at least v");
}

}  // namespace

void read(Fields& f, Correlate& p) {
  read(f, p.shape);
  f.in("templates", p.templates, p.shape.templates_count());
  f.in("windows", p.windows, p.shape.windows_count());
  f.out("y", p.y, p.shape.maps_count());
}

void read(Fields& f, CorrelateBackprop& p) {
  read(f, p.shape);
  f.in("dy", p.dy, p.shape.maps_count());
  f.in("templates", p.templates, p.shape.templates_count());
  f.in("windows", p.windows, p.shape.windows_count());
  f.out("dtemplates", p.dtemplates, p.shape.templates_count());
  f.out("dwindows", p.dwindows, p.shape.windows_count());
}

}  // namespace doppel
