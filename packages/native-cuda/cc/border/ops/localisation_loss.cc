#include "../run_op.h"

namespace doppel {

void read(Fields& f, LocalisationLoss& p) {
  f.positive("t", p.t);
  f.positive("w", p.w);
  f.need(p.t >= p.w, "t", "must be at least w");
  f.positive("cells", p.cells);
  const int64_t pairs = int64_t{p.t} * p.w;
  f.in("maps", p.maps, pairs * p.cells);
  f.in("logScale", p.log_scale, 1);
  f.in("positive", p.positive, p.w * p.cells);
  f.in("ignored", p.ignored, p.w * p.cells);
  f.in_if_given("rivals", p.rivals, pairs);
  f.out("loss", p.loss, 1);
  f.out("dmaps", p.dmaps, pairs * p.cells);
  f.out("dlogScale", p.dlog_scale, 1);
}

}  // namespace doppel
