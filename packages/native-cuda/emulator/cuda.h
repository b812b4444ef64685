// What device.cuh gives a kernel file when it is compiled for the host's processor: a small implementation of CUDA's
// execution model, for tests only. See docs/cuda.md.
#pragma once
#include "async_copy.h"
#include "buffers.h"
#include "fault.h"
#include "launch.h"
#include "math.h"
#include "order.h"
#include "stream.h"
#include "tensor_cores.h"
#include "types.h"
#include "views.h"
#include "warp.h"
