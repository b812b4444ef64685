// The contract of a device: what every op is given (plain structs, pointers into the device's memory), one function an
// op. `native` fills one table per instruction set; `cuda` fills one of its own.
#pragma once
#include "ops/adam.h"
#include "ops/batch_norm.h"
#include "ops/blend.h"
#include "ops/conv2d.h"
#include "ops/correlate.h"
#include "ops/correlate_near.h"
#include "ops/elementwise.h"
#include "ops/gamma_likelihood.h"
#include "ops/localisation_loss.h"
#include "ops/matmul.h"
#include "ops/measure.h"
#include "ops/philox.h"
#include "ops/pixel_norm.h"
#include "ops/pooling.h"
#include "ops/rearrange.h"
#include "ops/reductions.h"
#include "ops/reparameterize.h"
#include "ops/sum_of_squares.h"
#include "ops/upsample_bilinear.h"

namespace doppel {

class Runtime;

struct Ops {
#define DOPPEL_OP(name, Params) void (*name)(const Params&, Runtime&);
#include "ops.def"
};

}  // namespace doppel
