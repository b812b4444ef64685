// The only header of a toolchain that a kernel file includes: views of memory, launches, tensor cores and asynchronous
// copies under the same names, for nvcc and for the emulator on the CPU (-DDOPPEL_EMULATED).
#pragma once
#ifdef DOPPEL_EMULATED
#include "../../emulator/cuda.h"
#else
#include "nvcc/cuda.h"
#endif
