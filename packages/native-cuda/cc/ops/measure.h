// The machine's limits, for benchmarks to hold kernels against.
#pragma once

namespace doppel {

struct Measure {
  bool bandwidth;  // GB/s of a copy (bytes read and written) far larger than the caches; else GFLOP/s of multiply-adds
  float* result;
};

}  // namespace doppel
