#include "../runtime.cuh"

namespace doppel::cuda {

const Ops& table() {
  static const Ops ops = {
      conv2d, conv2d, conv2d_backprop, matmul, binary, unary, cast, select, fill, add_n, strided_copy, gather, one_hot, reduce, arg_reduce, softmax,
      pool, pool_grad, resize_nearest, batch_norm, batch_norm_inference, batch_norm_backprop, pixel_norm, philox, reparameterize, reparameterize_backprop,
      adam, measure,
  };
  return ops;
}

}  // namespace doppel::cuda
