/** Correlation of maps at near displacements, forward and backward. */
import type * as tf from '@tensorflow/tfjs-core';
import { type AddonKernel, float } from '../kernel.ts';

function shapeOf(a: tf.TensorInfo, b: tf.TensorInfo, reach: number) {
  const [, h, w, c] = a.shape as [number, number, number, number];
  const n = Math.max(a.shape[0]!, b.shape[0]!);
  return { n, h, w, c, reach, singleA: a.shape[0] === 1, singleB: b.shape[0] === 1 };
}

export const CORRELATE_NEAR: readonly AddonKernel[] = [
  {
    name: 'DoppelCorrelateNear',
    run(backend, { a, b }, { reach }) {
      const shape = shapeOf(a!, b!, reach);
      const y = float([shape.n, 2 * reach + 1, 2 * reach + 1]);
      return backend.run('correlate_near', { a, b }, { y }, shape)[0]!;
    },
  },
  {
    name: 'DoppelCorrelateNearBackprop',
    run(backend, { dy, a, b }, { reach }) {
      const outputs = { da: float(a!.shape), db: float(b!.shape) };
      return backend.run('correlate_near_backprop', { dy, a, b }, outputs, shapeOf(a!, b!, reach));
    },
  },
];
