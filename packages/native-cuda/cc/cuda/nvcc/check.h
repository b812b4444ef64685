// Every call of the CUDA runtime is checked: it throws what it returned, with its text and place.
#pragma once
#include <cuda_runtime.h>

#include <stdexcept>
#include <string>

#include "../../device.h"

namespace doppel::cuda {

struct LaunchSite {
  const char* what;  // as written
  const char* file;
  int line;
};

// After these the context is gone: every later call gives the same code (CUDA Runtime API, data types).
inline bool is_sticky(cudaError_t code) {
  switch (code) {
    case cudaErrorIllegalAddress:
    case cudaErrorLaunchFailure:
    case cudaErrorLaunchTimeout:
    case cudaErrorHardwareStackError:
    case cudaErrorIllegalInstruction:
    case cudaErrorMisalignedAddress:
    case cudaErrorInvalidAddressSpace:
    case cudaErrorInvalidPc:
    case cudaErrorAssert:
    case cudaErrorECCUncorrectable:
    case cudaErrorCudartUnloading: return true;
    default: return false;
  }
}

inline void check(cudaError_t code, const LaunchSite& site) {
  if (code == cudaSuccess) return;
  const std::string text = std::string(site.what) + ": " + cudaGetErrorString(code) + " (" + cudaGetErrorName(code) +
                           ") [" + site.file + ":" + std::to_string(site.line) + "]";
  if (!is_sticky(code)) throw std::runtime_error(text);
  throw DeviceLost(text +
                   ". A kernel that was enqueued before may be the cause; with CUDA_LAUNCH_BLOCKING=1 it is this call");
}

// Throws what the call returned, if that is not success.
#define DOPPEL_CUDA(call) ::doppel::cuda::check((call), {#call, __FILE__, __LINE__})

}  // namespace doppel::cuda
