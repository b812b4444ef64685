/**
 * Gradients of sum and mean that are made on the device. Those of tfjs make an array of ones in JavaScript for each, as large as
 * the input, and copy it there. Both can be differentiated any number of times.
 */
import * as tf from '@tensorflow/tfjs-core';

/** dy of a reduction over `axis`, repeated to the input's shape. */
function repeated(dy: tf.Tensor, x: tf.Tensor, axis: number | number[]): tf.Tensor {
  const reduced = new Set(tf.util.parseAxisParam(axis, x.shape));
  const kept = x.shape.map((side, d) => (reduced.has(d) ? 1 : side));
  return tf.mul(tf.reshape(dy, kept), tf.onesLike(x));
}

function reductionGradient(kernelName: string, scale: (dy: tf.Tensor, x: tf.Tensor) => tf.Tensor): tf.GradConfig {
  return {
    kernelName,
    inputsToSave: ['x'],
    gradFunc: (dy, [x], attrs) => ({
      x: () => repeated(scale(dy as tf.Tensor, x!), x!, attrs.axis as number | number[]),
    }),
  };
}

export const sumGradient = reductionGradient(tf.Sum, (dy) => dy);
export const meanGradient = reductionGradient(tf.Mean, (dy, x) => tf.mul(dy, dy.size / x.size));
