/** Pooling and up-sampling, with the gradients that tfjs lacks for second derivatives. */
import * as tf from '@tensorflow/tfjs-core';

export interface PoolOptions {
  size?: number;
  strides?: number;
  pad?: 'same' | 'valid';
}

/** [n, h, w, c] → [n, oh, ow, c]; the gradient goes to the first maximum of a window. */
export function maxPool(x: tf.Tensor4D, { size = 2, strides = 2, pad = 'valid' }: PoolOptions = {}): tf.Tensor4D {
  return tf.maxPool(x, size, strides, pad);
}

/** Twice differentiable. */
export function avgPool(x: tf.Tensor4D, { size = 2, strides = 2, pad = 'valid' }: PoolOptions = {}): tf.Tensor4D {
  return tf.avgPool(x, size, strides, pad);
}

/**
 * Every pixel `scale` × `scale` times: [n, h, w, c] → [n, h·scale, w·scale, c]. Its gradient sums each block, which is
 * scale² times its average; both directions are pooling and repetition, so it can be differentiated any number of times.
 */
export function upsampleNearest(x: tf.Tensor4D, scale = 2): tf.Tensor4D {
  return tf.customGrad((input) => {
    const [h, w] = (input as tf.Tensor4D).shape.slice(1, 3) as [number, number];
    const value = tf.image.resizeNearestNeighbor(input as tf.Tensor4D, [h * scale, w * scale]);
    const gradFunc = (dy: tf.Tensor) =>
      tf.mul(avgPool(dy as tf.Tensor4D, { size: scale, strides: scale }), scale * scale);
    return { value, gradFunc };
  })(x) as tf.Tensor4D;
}

/** Second derivative of average pooling: it is linear, so the gradient of its gradient is the pooling itself. */
export const avgPoolGradGradient: tf.GradConfig = {
  kernelName: 'AvgPoolGrad',
  inputsToSave: ['dy', 'input'],
  gradFunc: (ddx, [, input], attrs) => {
    const { filterSize, strides, pad } = attrs as {
      filterSize: number;
      strides: number;
      pad: 'same' | 'valid';
    };
    return {
      dy: () => tf.avgPool(ddx as tf.Tensor4D, filterSize, strides, pad),
      input: () => tf.zerosLike(input!),
    };
  },
};
