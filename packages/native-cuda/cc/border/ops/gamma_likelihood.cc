#include "../run_op.h"

namespace doppel {

void read(Fields& f, GammaLikelihood& p) {
  f.positive("count", p.count);
  f.in("logReflectivity", p.log_reflectivity, p.count);
  f.in("intensity", p.intensity, p.count);
  f.out("loss", p.loss, 1);
  f.out("dlogReflectivity", p.dlog_reflectivity, p.count);
}

}  // namespace doppel
