#include "table.h"

namespace doppel::DOPPEL_ISA {

const Ops* ops();  // declared for isa.cc

// Each op is given a runtime of its own, since it keeps the number of threads that it began with.
const Ops* ops() {
  static constexpr Ops table = {
#define DOPPEL_OP(name, Params)                     \
  .name = [](const Params& p, Runtime& of_device) { \
    NativeRuntime of_op(of_device);                 \
    name(p, of_op);                                 \
  },
#include "../../ops.def"
  };
  return &table;
}

}  // namespace doppel::DOPPEL_ISA
