#include "../run_op.h"

namespace doppel {

void read(Fields& f, Philox& p) {
  f.get("normal", p.normal);
  f.get("seed", p.seed);
  f.get("offset", p.offset);
  f.size("count", p.count);
  f.out("y", p.y, p.count);
}

}  // namespace doppel
