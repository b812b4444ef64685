/** Matrix products, with bias and activation. */
import * as tf from '@tensorflow/tfjs-core';
import type { AddonBackend } from '../backend.ts';
import { type AddonKernel, type Attributes, float, sizeOf } from '../kernel.ts';

function matMul(
  backend: AddonBackend,
  a: tf.TensorInfo,
  b: tf.TensorInfo,
  bias: tf.TensorInfo | undefined,
  attrs: Attributes,
): tf.TensorInfo | undefined {
  const { transposeA = false, transposeB = false, activation = 'linear', leakyreluAlpha = 0.2 } = attrs;
  if (a.dtype !== 'float32' || b.dtype !== 'float32') return undefined;
  const [[rowsA, columnsA], [rowsB, columnsB]] = [a.shape.slice(-2), b.shape.slice(-2)] as [
    [number, number],
    [number, number],
  ];
  const [m, k] = transposeA ? [columnsA, rowsA] : [rowsA, columnsA];
  const [inner, n] = transposeB ? [columnsB, rowsB] : [rowsB, columnsB];
  tf.util.assert(k === inner, () => `matMul: inner sizes ${k} and ${inner} of ${a.shape} and ${b.shape} differ`);
  const [batchA, batchB] = [sizeOf(a.shape.slice(0, -2)), sizeOf(b.shape.slice(0, -2))];
  const outer = tf.broadcast_util.assertAndGetBroadcastShape(a.shape.slice(0, -2), b.shape.slice(0, -2));
  const batch = sizeOf(outer);
  if ((batchA !== batch && batchA !== 1) || (batchB !== batch && batchB !== 1)) return undefined;
  if (bias && sizeOf(bias.shape) !== n) return undefined;
  const sizes = { batch, m, k, n, transposeA, transposeB, broadcastA: batchA === 1, broadcastB: batchB === 1 };
  const attributes = { activation, leakyreluAlpha, precision: backend.tracedPrecision };
  return backend.run('matmul', { a, b, bias }, { y: float([...outer, m, n]) }, sizes, attributes)[0];
}

export const MATMUL: readonly AddonKernel[] = [
  { name: 'BatchMatMul', run: (backend, { a, b }, attrs) => matMul(backend, a!, b!, undefined, attrs) },
  {
    name: '_FusedMatMul',
    run(backend, { a, b, bias, preluActivationWeights }, attrs) {
      if (preluActivationWeights || !['linear', 'relu', 'leakyrelu'].includes(attrs.activation)) return undefined;
      return matMul(backend, a!, b!, bias, attrs);
    },
  },
];
