/** Matrix products, normalisation, noise, and Adam. */
import * as tf from '@tensorflow/tfjs-core';
import type { AddonBackend } from '../backend.ts';
import { type AddonKernel, type Attributes, sizeOf } from '../kernel.ts';

const float = (shape: number[]) => ({ shape, dtype: 'float32' as const });

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
  const attributes = { ...sizes, activation, leakyreluAlpha, precision: backend.tracedPrecision };
  return backend.run('matmul', [a, b, bias], [float([...outer, m, n])], attributes)[0];
}

const rowsOf = (x: tf.TensorInfo) => ({ rows: sizeOf(x.shape.slice(0, -1)), channels: x.shape.at(-1)! });

/** The activation's attributes, by which the addon fuses it. */
const fused = ({ epsilon, activation, leakyreluAlpha }: Attributes) => ({ epsilon, activation, leakyreluAlpha });

function adam(
  backend: AddonBackend,
  inputs: Record<string, tf.TensorInfo>,
  { count, ...attrs }: Attributes,
): tf.TensorInfo[] {
  const all = (letter: string) => Array.from({ length: count }, (_, i) => inputs[letter + i]!);
  const parameters = all('p');
  const outputs = [parameters, parameters, parameters].flat().map(({ shape }) => float(shape));
  const counts = parameters.map(({ shape }) => sizeOf(shape));
  return backend.run('adam', [parameters, all('g'), all('m'), all('v')].flat(), outputs, { counts, ...attrs });
}

export const LAYERS: AddonKernel[] = [
  { name: 'BatchMatMul', run: (backend, { a, b }, attrs) => matMul(backend, a!, b!, undefined, attrs) },
  {
    name: '_FusedMatMul',
    run(backend, { a, b, bias, preluActivationWeights }, attrs) {
      if (preluActivationWeights || !['linear', 'relu', 'leakyrelu'].includes(attrs.activation)) return undefined;
      return matMul(backend, a!, b!, bias, attrs);
    },
  },
  {
    name: 'DoppelBatchNorm',
    run(backend, { x, gamma, beta }, attrs) {
      const channels = [x!.shape.at(-1)!];
      return backend.run('batchNorm', [x, gamma, beta], [float(x!.shape), float(channels), float(channels)], {
        ...rowsOf(x!),
        ...fused(attrs),
      });
    },
  },
  {
    name: 'FusedBatchNorm',
    run(backend, { x, scale, offset, mean, variance }, { varianceEpsilon }) {
      const channels = x!.shape.at(-1)!;
      const given = [mean, variance, scale, offset].filter((each) => each !== undefined && each !== null);
      if (x!.dtype !== 'float32' || given.some((each) => sizeOf(each.shape) !== channels)) return undefined;
      const attrs = { ...rowsOf(x!), epsilon: varianceEpsilon };
      return backend.run('batchNormInference', [x, mean, variance, scale, offset], [float(x!.shape)], attrs)[0]!;
    },
  },
  {
    name: 'DoppelBatchNormBackprop',
    run(backend, { dy, x, gamma, beta, mean, variance }, attrs) {
      const channels = [x!.shape.at(-1)!];
      const outputs = [float(x!.shape), float(channels), float(channels)];
      return backend.run('batchNormBackprop', [dy, x, gamma, beta, mean, variance], outputs, {
        ...rowsOf(x!),
        ...fused(attrs),
      });
    },
  },
  {
    name: 'DoppelPixelNorm',
    run: (backend, { x }, { epsilon }) =>
      backend.run('pixelNorm', [x, null], [float(x!.shape)], { ...rowsOf(x!), epsilon })[0]!,
  },
  {
    name: 'DoppelPixelNormBackprop',
    run: (backend, { dy, x }, { epsilon }) =>
      backend.run('pixelNorm', [x, dy], [float(x!.shape)], { ...rowsOf(x!), epsilon })[0]!,
  },
  {
    name: 'DoppelPhilox',
    run: (backend, _, { shape, seed, offset, distribution }) =>
      backend.run('philox', [], [float(shape)], {
        count: sizeOf(shape),
        seed,
        offset,
        normal: distribution === 'normal',
      })[0]!,
  },
  {
    name: 'DoppelReparameterize',
    run(backend, { mu, logvar, eps }, { seed, offset }) {
      const [n, d] = mu!.shape as [number, number];
      return backend.run('reparameterize', [mu, logvar, eps], [float([n, d]), float([n]), float([n, d])], {
        n,
        d,
        seed,
        offset,
      });
    },
  },
  {
    name: 'DoppelReparameterizeBackprop',
    run(backend, { dz, dkl, mu, logvar, eps }) {
      const [n, d] = mu!.shape as [number, number];
      return backend.run('reparameterizeBackprop', [dz, dkl, mu, logvar, eps], [float([n, d]), float([n, d])], {
        n,
        d,
      });
    },
  },
  { name: 'DoppelAdam', run: (backend, inputs, attrs) => adam(backend, inputs, attrs) },
];
