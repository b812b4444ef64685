/**
 * DoppelPixelNorm: y = x / √(mean over channels of x² + ε), at each pixel.
 * Karras et al., Progressive Growing of GANs (ICLR 2018), §4.2.
 */
import * as tf from '@tensorflow/tfjs-core';
import { type Gradient, runKernel } from './kernel.ts';

export const PIXEL_NORM = 'DoppelPixelNorm';
export const PIXEL_NORM_BACKPROP = 'DoppelPixelNormBackprop';

interface Attributes {
  epsilon: number;
}

/** x: [..., c], normalised over its last axis. */
export function pixelNorm<T extends tf.Tensor>(x: T, { epsilon = 1e-8 }: { epsilon?: number } = {}): T {
  return runKernel(PIXEL_NORM, { x }, { epsilon }) as T;
}

/** 1 / √(mean x² + ε): [..., 1] */
function inverseNorm(x: tf.Tensor, epsilon: number): tf.Tensor {
  return tf.rsqrt(tf.add(tf.mean(tf.square(x), -1, true), epsilon));
}

export function pixelNormReference({ x }: { x: tf.Tensor }, { epsilon }: Attributes): tf.Tensor {
  return tf.mul(x, inverseNorm(x, epsilon));
}

/** Gradient dx = r·dy − x·r³·mean(dy·x), where r is the inverse norm. */
export function pixelNormBackpropReference(
  { dy, x }: { dy: tf.Tensor; x: tf.Tensor },
  { epsilon }: Attributes,
): tf.Tensor {
  const r = inverseNorm(x, epsilon);
  const along = tf.mul(tf.mean(tf.mul(dy, x), -1, true), tf.pow(r, 3));
  return tf.sub(tf.mul(dy, r), tf.mul(x, along));
}

export const pixelNormGradient: Gradient = {
  inputsToSave: ['x'],
  gradFunc: (dy, [x], attrs) => ({ x: () => runKernel(PIXEL_NORM_BACKPROP, { dy: dy as tf.Tensor, x: x! }, attrs) }),
};
