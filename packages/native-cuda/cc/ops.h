// The contract of a device: what every op is given (plain structs, pointers into the device's memory), one function an op.
// `native` fills one table per instruction set; `cuda` fills one of its own.
#pragma once
#include "ops/adam.h"
#include "ops/batch_norm.h"
#include "ops/conv2d.h"
#include "ops/elementwise.h"
#include "ops/matmul.h"
#include "ops/measure.h"
#include "ops/philox.h"
#include "ops/pixel_norm.h"
#include "ops/pooling.h"
#include "ops/rearrange.h"
#include "ops/reductions.h"
#include "ops/reparameterize.h"

namespace doppel {

class Runtime;

struct Ops {
  void (*conv2d)(const Conv2D&, Runtime&);
  void (*conv2d_bf16)(const Conv2D&, Runtime&);  // of Precision::bf16; `native` has a table entry for it by instruction set
  void (*conv2d_backprop)(const Conv2DBackprop&, Runtime&);
  void (*matmul)(const MatMul&, Runtime&);
  void (*binary)(const Binary&, Runtime&);
  void (*unary)(const Unary&, Runtime&);
  void (*cast)(const Cast&, Runtime&);
  void (*select)(const Select&, Runtime&);
  void (*fill)(const Fill&, Runtime&);
  void (*add_n)(const AddN&, Runtime&);
  void (*strided_copy)(const StridedCopy&, Runtime&);
  void (*gather)(const Gather&, Runtime&);
  void (*one_hot)(const OneHot&, Runtime&);
  void (*reduce)(const Reduce&, Runtime&);
  void (*arg_reduce)(const ArgReduce&, Runtime&);
  void (*softmax)(const Softmax&, Runtime&);
  void (*pool)(const Pool&, Runtime&);
  void (*pool_grad)(const PoolGrad&, Runtime&);
  void (*resize_nearest)(const ResizeNearest&, Runtime&);
  void (*batch_norm)(const BatchNorm&, Runtime&);
  void (*batch_norm_inference)(const BatchNormInference&, Runtime&);
  void (*batch_norm_backprop)(const BatchNormBackprop&, Runtime&);
  void (*pixel_norm)(const PixelNorm&, Runtime&);
  void (*philox)(const Philox&, Runtime&);
  void (*reparameterize)(const Reparameterize&, Runtime&);
  void (*reparameterize_backprop)(const ReparameterizeBackprop&, Runtime&);
  void (*adam)(const Adam&, Runtime&);
  void (*measure)(const Measure&, Runtime&);
};

}  // namespace doppel
