/** DoppelPhilox: a tensor of noise from the counter-based generator, the same on every backend for a seed. */
import * as tf from '@tensorflow/tfjs-core';
import { type Draw, philoxNormal, philoxUniform } from '../base/philox.ts';
import { runKernel } from './kernel.ts';

export const PHILOX = 'DoppelPhilox';

interface Attributes extends Draw {
  shape: number[];
  distribution: 'uniform' | 'normal';
}

/** Uniform in [0, 1). */
export function uniformNoise(shape: number[], { seed, offset }: Draw): tf.Tensor {
  return runKernel(PHILOX, {}, { shape, seed, offset, distribution: 'uniform' });
}

/** Standard normal. */
export function normalNoise(shape: number[], { seed, offset }: Draw): tf.Tensor {
  return runKernel(PHILOX, {}, { shape, seed, offset, distribution: 'normal' });
}

export function philoxReference(_: object, { shape, seed, offset, distribution }: Attributes): tf.Tensor {
  const draw = distribution === 'uniform' ? philoxUniform : philoxNormal;
  return tf.tensor(draw(tf.util.sizeFromShape(shape), { seed, offset }), shape);
}
