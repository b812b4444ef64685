#include "isa.h"

#include <stdexcept>

#include "runtime.h"

namespace doppel {

namespace generic {
const Ops* ops();
}
#if defined(DOPPEL_X86)
namespace avx2 {
const Ops* ops();
}
namespace avx512 {
const Ops* ops();
}
namespace avx512_bf16 {
void conv2d_bf16(const Conv2D&, Runtime&);
}
#elif defined(DOPPEL_NEON)
namespace neon {
const Ops* ops();
}
#endif

#if defined(DOPPEL_X86)
namespace {

// AVX-512, with the bfloat16 instructions where the processor has them.
const Ops* avx512_ops() {
  static const Ops table = [] {
    Ops ops = *avx512::ops();
    if (__builtin_cpu_supports("avx512bf16")) {
      ops.conv2d = [](const Conv2D& p, Runtime& runtime) {
        if (p.precision != Precision::bf16) return avx512::ops()->conv2d(p, runtime);
        NativeRuntime of_op(runtime);
        avx512_bf16::conv2d_bf16(p, of_op);
      };
    }
    return ops;
  }();
  return &table;
}

}  // namespace
#endif

const std::vector<Isa>& compiled_isas() {
  static const std::vector<Isa> isas = {
#if defined(DOPPEL_X86)
    {"avx512", avx512_ops,
     [] {
       return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") &&
              __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("fma");
     }},
    {"avx2", avx2::ops, [] { return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"); }},
#elif defined(DOPPEL_NEON)
    {"neon", neon::ops, [] { return true; }},
#endif
    {"generic", generic::ops, [] { return true; }},
  };
  return isas;
}

const Isa& choose_isa(const std::string& requested) {
  std::string found;
  for (const Isa& isa : compiled_isas()) {
    const bool runs = isa.runs_here();
    if (runs && (requested.empty() || requested == isa.name)) return isa;
    found += std::string(found.empty() ? "" : ", ") + isa.name + (runs ? "" : " (not on this processor)");
  }
  throw std::runtime_error("cannot use the instruction set \"" + requested + "\": this build has " + found);
}

}  // namespace doppel
