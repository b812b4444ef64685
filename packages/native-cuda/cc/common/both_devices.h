// Marks functions that the kernels of both devices share. The host's compiler makes them once for each instruction set:
// inlined and internal to a file, for the linker might keep the copy that needs AVX-512.
#pragma once
#ifdef __CUDACC__
#define DOPPEL_BOTH_DEVICES __host__ __device__ inline
#else
#define DOPPEL_BOTH_DEVICES [[maybe_unused]] static inline __attribute__((always_inline))
#endif
