/** Training loss of a matcher: cross-entropy, and a penalty on its weights. */
import * as tf from '@tensorflow/tfjs-core';
import { softmaxCrossEntropy } from '../ops/ops.ts';
import type { Matcher } from './matcher.ts';

/**
 * Mean over the pairs of −log softmax(logits)[label]: logits [N, 2], labels [N] int32.
 *
 * @param weights [N], one for each pair, with sum 1; default: all equal.
 */
export function crossEntropy(logits: tf.Tensor2D, labels: tf.Tensor1D, weights?: tf.Tensor1D): tf.Scalar {
  const losses = softmaxCrossEntropy(logits, labels);
  return (weights ? tf.sum(tf.mul(losses, weights)) : tf.mean(losses)) as tf.Scalar;
}

/** Weights with sum 1 that give each class one half, however many pairs it has. */
export function classWeights(labels: readonly (0 | 1)[]): number[] {
  const positives = labels.filter((label) => label === 1).length;
  const counts = [labels.length - positives, positives] as const;
  const classes = counts.filter((count) => count > 0).length;
  return labels.map((label) => 1 / (classes * counts[label]));
}

/** λ·Σw² over filters and kernels; biases, γ and β are free. */
export function weightPenalty({ parameters, weightNames }: Matcher, l2: number): tf.Scalar {
  return tf.tidy(() => {
    const sums = weightNames.map((name) => sumOfSquares(parameters.get(name)!));
    return tf.mul(tf.addN(sums), l2) as tf.Scalar;
  });
}

/**
 * Σx². In two stages, along the last axis and then over the rest: one float32 sum over half a million squares would lose
 * four digits of seven.
 */
export function sumOfSquares(x: tf.Tensor): tf.Scalar {
  return tf.sum(tf.sum(tf.square(x), -1)) as tf.Scalar;
}
