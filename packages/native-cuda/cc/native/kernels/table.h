// The ops of this instruction set, one function each; table.cc lists them.
#pragma once
#include "simd.h"

namespace doppel::DOPPEL_ISA {

void conv2d(const Conv2D&, Runtime&);
void conv2d_bf16(const Conv2D&, Runtime&);
void conv2d_backprop(const Conv2DBackprop&, Runtime&);
void matmul(const MatMul&, Runtime&);
void binary(const Binary&, Runtime&);
void unary(const Unary&, Runtime&);
void cast(const Cast&, Runtime&);
void select(const Select&, Runtime&);
void fill(const Fill&, Runtime&);
void add_n(const AddN&, Runtime&);
void strided_copy(const StridedCopy&, Runtime&);
void gather(const Gather&, Runtime&);
void one_hot(const OneHot&, Runtime&);
void reduce(const Reduce&, Runtime&);
void arg_reduce(const ArgReduce&, Runtime&);
void softmax(const Softmax&, Runtime&);
void pool(const Pool&, Runtime&);
void pool_grad(const PoolGrad&, Runtime&);
void resize_nearest(const ResizeNearest&, Runtime&);
void batch_norm(const BatchNorm&, Runtime&);
void batch_norm_inference(const BatchNormInference&, Runtime&);
void batch_norm_backprop(const BatchNormBackprop&, Runtime&);
void pixel_norm(const PixelNorm&, Runtime&);
void philox(const Philox&, Runtime&);
void reparameterize(const Reparameterize&, Runtime&);
void reparameterize_backprop(const ReparameterizeBackprop&, Runtime&);
void adam(const Adam&, Runtime&);
void measure(const Measure&, Runtime&);

}  // namespace doppel::DOPPEL_ISA
