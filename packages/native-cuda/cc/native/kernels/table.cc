#include "table.h"

namespace doppel::DOPPEL_ISA {

const Ops* ops();  // declared for isa.cc

const Ops* ops() {
  static constexpr Ops table = {
      conv2d, conv2d_bf16, conv2d_backprop, matmul,     binary,         unary,  cast,       select,  fill,       add_n,
      strided_copy, gather,    one_hot,    reduce,         arg_reduce, softmax, pool,   pool_grad,  resize_nearest,
      batch_norm, batch_norm_inference, batch_norm_backprop, pixel_norm, philox, reparameterize, reparameterize_backprop, adam, measure,
  };
  return &table;
}

}  // namespace doppel::DOPPEL_ISA
