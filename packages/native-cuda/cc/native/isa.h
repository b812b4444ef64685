// Which instruction set runs: the widest that the processor and the system have, or one that is asked for by name.
#pragma once
#include <string>
#include <vector>

#include "../ops.h"

namespace doppel {

struct Isa {
  const char* name;  // generic, avx2, avx512, neon
  const Ops* (*ops)();
  bool (*runs_here)();
};

// Compiled into this binary, widest first.
const std::vector<Isa>& compiled_isas();

// `requested` empty: the widest that runs here. Throws std::runtime_error that lists what there is.
const Isa& choose_isa(const std::string& requested);

}  // namespace doppel
