#include "../run_op.h"

namespace doppel {

void read(Fields& f, Measure& p) {
  f.get("bandwidth", p.bandwidth);
  f.out("result", p.result, 1);
}

}  // namespace doppel
