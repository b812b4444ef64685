/**
 * DoppelPixelNorm: y = x / √(mean over channels of x² + ε), at each pixel; or of their sum, which makes unit vectors.
 * Karras et al., Progressive Growing of GANs (ICLR 2018), §4.2.
 */
import * as tf from '@tensorflow/tfjs-core';
import { type Gradient, runKernel } from './kernel.ts';

export const PIXEL_NORM = 'DoppelPixelNorm';
export const PIXEL_NORM_BACKPROP = 'DoppelPixelNormBackprop';

interface Attributes {
  epsilon: number;
  /** Statistic of the squares over the channels that becomes 1. */
  over: 'mean' | 'sum';
}

/** x: [..., c], normalised over its last axis. */
export function pixelNorm<T extends tf.Tensor>(x: T, { epsilon = 1e-8 }: { epsilon?: number } = {}): T {
  return runKernel(PIXEL_NORM, { x }, { epsilon, over: 'mean' }) as T;
}

/** ε of unit length. */
export const UNIT_EPSILON = 1e-6;

/** Unit length of each cell, y = x / √(Σ x² + ε) over the last axis: [..., c] → [..., c]. */
export function unitCells<T extends tf.Tensor>(x: T, { epsilon = UNIT_EPSILON }: { epsilon?: number } = {}): T {
  return runKernel(PIXEL_NORM, { x }, { epsilon, over: 'sum' }) as T;
}

/** Mean or sum over the channels: [..., c] → [..., 1] */
function gathered(x: tf.Tensor, over: Attributes['over']): tf.Tensor {
  return over === 'mean' ? tf.mean(x, -1, true) : tf.sum(x, -1, true);
}

/** 1 / √(mean x² + ε), or of the sum: [..., 1] */
function inverseNorm(x: tf.Tensor, { epsilon, over }: Attributes): tf.Tensor {
  return tf.rsqrt(tf.add(gathered(tf.square(x), over), epsilon));
}

export function pixelNormReference({ x }: { x: tf.Tensor }, attrs: Attributes): tf.Tensor {
  return tf.mul(x, inverseNorm(x, attrs));
}

/** Gradient dx = r·dy − x·r³·mean(dy·x), where r is the inverse norm; or with the sum. */
export function pixelNormBackpropReference({ dy, x }: { dy: tf.Tensor; x: tf.Tensor }, attrs: Attributes): tf.Tensor {
  const r = inverseNorm(x, attrs);
  const along = tf.mul(gathered(tf.mul(dy, x), attrs.over), tf.pow(r, 3));
  return tf.sub(tf.mul(dy, r), tf.mul(x, along));
}

export const pixelNormGradient: Gradient = {
  inputsToSave: ['x'],
  gradFunc: (dy, [x], attrs) => ({ x: () => runKernel(PIXEL_NORM_BACKPROP, { dy: dy as tf.Tensor, x: x! }, attrs) }),
};
