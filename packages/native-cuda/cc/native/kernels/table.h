// The ops of this instruction set, one function each; table.cc lists them.
#pragma once
#include "simd.h"

namespace doppel::DOPPEL_ISA {

#define DOPPEL_OP(name, Params) void name(const Params&, Runtime&);
#include "../../ops.def"

}  // namespace doppel::DOPPEL_ISA
