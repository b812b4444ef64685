/** The small layers that are composed of tfjs ops on every backend: dense, dropout, minibatch stddev, cross-entropy. */
import * as tf from '@tensorflow/tfjs-core';
import type { Draw } from '../base/philox.ts';
import { type Activation, activate } from './activation.ts';
import { uniformNoise } from './philox.ts';

/** act(x · kernel + bias): [n, ci] · [ci, co] → [n, co]. */
export function dense(
  x: tf.Tensor2D,
  kernel: tf.Tensor2D,
  bias: tf.Tensor1D,
  { activation = 'linear', leakyreluAlpha = 0.2 }: { activation?: Activation; leakyreluAlpha?: number } = {},
): tf.Tensor2D {
  const linear = tf.add(tf.matMul(x, kernel), bias) as tf.Tensor2D;
  return activate(linear, { activation, leakyreluAlpha });
}

/** Zeroes a share `rate` of the elements and scales the rest by 1 / (1 − rate); the mask follows from the draw alone. */
export function dropout<T extends tf.Tensor>(x: T, { rate, seed, offset }: Draw & { rate: number }): T {
  if (rate === 0) return x;
  const kept = tf.step(tf.sub(uniformNoise(x.shape, { seed, offset }), rate));
  return tf.mul(x, tf.div(kept, 1 - rate)) as T;
}

/**
 * Appends to x [n, h, w, c] one channel that says how much the samples of a group differ: the standard deviation over
 * the group, averaged over pixels and channels. Sample i is in group i mod (n / groupSize).
 * Karras et al., Progressive Growing of GANs (ICLR 2018), §3.
 *
 * A batch that `groupSize` does not divide is an error.
 */
export function minibatchStddev(x: tf.Tensor4D, { groupSize = 4, epsilon = 1e-8 } = {}): tf.Tensor4D {
  const [n, h, w, c] = x.shape;
  if (n % groupSize !== 0) throw new Error(`minibatch stddev needs a batch that ${groupSize} divides, found ${n}`);
  const groups = n / groupSize;
  const grouped = tf.reshape(x, [groupSize, groups, h * w * c]);
  const centred = tf.sub(grouped, tf.mean(grouped, 0, true));
  const deviation = tf.sqrt(tf.add(tf.mean(tf.square(centred), 0), epsilon)); // [groups, h·w·c]
  const column = tf.reshape(tf.mean(deviation, 1), [1, groups, 1]);
  const channel = tf.reshape(tf.add(tf.zeros([groupSize, groups, h * w]), column), [n, h, w, 1]);
  return tf.concat([x, channel as tf.Tensor4D], 3);
}

/** −log softmax(logits)[label], by row: logits [n, k], labels [n] int32 → [n]. */
export function softmaxCrossEntropy(logits: tf.Tensor2D, labels: tf.Tensor1D): tf.Tensor1D {
  const shifted = tf.sub(logits, tf.max(logits, 1, true));
  const logSum = tf.log(tf.sum(tf.exp(shifted), 1));
  const picked = tf.sum(tf.mul(shifted, tf.cast(tf.oneHot(labels, logits.shape[1]), 'float32')), 1);
  return tf.sub(logSum, picked) as tf.Tensor1D;
}
