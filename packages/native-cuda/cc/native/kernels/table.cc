#include "table.h"

namespace doppel::DOPPEL_ISA {

const Ops* ops();  // declared for isa.cc

const Ops* ops() {
  static constexpr Ops table = {
#define DOPPEL_OP(name, Params) .name = name,
#include "../../ops.def"
  };
  return &table;
}

}  // namespace doppel::DOPPEL_ISA
