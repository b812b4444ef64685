#include "../runtime.cuh"

namespace doppel::cuda {

const Ops& table() {
  static constexpr Ops ops = {
#define DOPPEL_OP(name, Params) .name = name,
#include "../../ops.def"
  };
  return ops;
}

}  // namespace doppel::cuda
