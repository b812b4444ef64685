/** DoppelSumOfSquares: Σx² over all elements of many tensors in one call. It has no gradient. */
import * as tf from '@tensorflow/tfjs-core';
import { runKernel } from './kernel.ts';

export const SUM_OF_SQUARES = 'DoppelSumOfSquares';

/** Σx² of one tensor or more. */
export function sumOfSquares(tensors: readonly tf.Tensor[]): tf.Scalar {
  const inputs = Object.fromEntries(tensors.map((tensor, i) => [`x${i}`, tensor]));
  return runKernel(SUM_OF_SQUARES, inputs, { count: tensors.length });
}

/**
 * In two stages, along the last axis and then over the rest: one float32 sum over half a million squares would lose four
 * digits of seven.
 */
export function sumOfSquaresReference(inputs: Record<string, tf.Tensor>): tf.Tensor {
  return tf.addN(Object.values(inputs).map((x) => tf.sum(tf.sum(tf.square(x), -1))));
}
