/**
 * The cases that every backend must pass, and by which it is timed: shapes, tolerance and FLOPs in one place.
 *
 * A case makes its inputs from a seed, so that two backends compute the same thing; the expected values come from the
 * backend `cpu`.
 */
import * as tf from '@tensorflow/tfjs-core';
import { philoxNormal } from '../base/philox.ts';
import { KERNEL_TOLERANCE, relativeError, relativeErrorOfSums } from '../base/tolerance.ts';
import type { Activation } from './activation.ts';
import { batchNorm } from './batch_norm.ts';
import { conv2d } from './conv2d.ts';
import { dense, minibatchStddev, softmaxCrossEntropy } from './layers.ts';
import { pixelNorm, unitCells } from './pixel_norm.ts';
import { avgPool, maxPool, upsampleNearest } from './pooling.ts';
import { reparameterize } from './reparameterize.ts';
import { upsampleBilinear } from './upsample_bilinear.ts';

export interface OpCase {
  name: string;
  /** Shapes of the inputs, all float32 and differentiable. */
  shapes: number[][];
  run(...inputs: tf.Tensor[]): tf.Tensor;
  /** Relative error that value and gradients may have. */
  tolerance: number;
  /** Multiplications and additions of the forward pass. */
  flops: number;
}

export interface ConvShape {
  n: number;
  h: number;
  w: number;
  ci: number;
  co: number;
  k: number;
  strides: number;
  dilations?: number;
  pad: 'same' | 'valid';
  activation: Activation;
}

const volume = (shape: number[]) => shape.reduce((product, side) => product * side, 1);

function opCase(name: string, shapes: number[][], run: (...inputs: never[]) => tf.Tensor, flops?: number): OpCase {
  const elementwise = volume(shapes[0]!);
  return { name, shapes, run: run as OpCase['run'], tolerance: KERNEL_TOLERANCE, flops: flops ?? elementwise };
}

export function convCase(shape: ConvShape): OpCase {
  const { n, h, w, ci, co, k, strides, dilations = 1, pad, activation } = shape;
  const side = (size: number) => Math.ceil((pad === 'same' ? size : size - (k - 1) * dilations) / strides);
  const scale = 1 / (k * Math.sqrt(ci)); // keeps the outputs near unit variance
  return opCase(
    `conv ${n}×${h}×${w}×${ci} → ${co}, ${k}×${k}/${strides}${dilations > 1 ? ` dilated ${dilations}` : ''} ${pad} ${activation}`,
    [[n, h, w, ci], [k, k, ci, co], [co]],
    (x: tf.Tensor4D, filter: tf.Tensor4D, bias: tf.Tensor1D) =>
      conv2d(x, tf.mul(filter, scale), bias, { strides, dilations, pad, activation }),
    2 * n * side(h) * side(w) * k * k * ci * co,
  );
}

const dilated = (
  n: number,
  h: number,
  w: number,
  ci: number,
  co: number,
  dilations: number,
  pad: 'same' | 'valid' = 'same',
) => convCase({ n, h, w, ci, co, k: 3, strides: 1, dilations, pad, activation: 'relu' });

const conv = (
  n: number,
  h: number,
  w: number,
  ci: number,
  co: number,
  k: number,
  strides: number,
  pad: 'same' | 'valid',
  activation: Activation,
) => convCase({ n, h, w, ci, co, k, strides, pad, activation });

/** Small shapes of every op, odd sizes among them: for parity tests. */
export const PARITY_CASES: readonly OpCase[] = [
  conv(2, 9, 7, 1, 32, 3, 1, 'same', 'relu'),
  conv(2, 12, 12, 16, 32, 3, 1, 'same', 'relu'),
  conv(1, 11, 13, 5, 7, 3, 2, 'same', 'leakyrelu'),
  conv(2, 8, 8, 40, 24, 3, 2, 'same', 'relu'),
  conv(2, 8, 8, 17, 33, 1, 1, 'same', 'linear'),
  conv(1, 6, 6, 3, 4, 5, 1, 'valid', 'leakyrelu'),
  conv(2, 10, 9, 4, 6, 3, 2, 'valid', 'linear'),
  conv(3, 1, 1, 8, 8, 3, 1, 'same', 'relu'),
  conv(1, 15, 13, 4, 16, 4, 2, 'same', 'relu'),
  dilated(2, 16, 15, 16, 32, 2),
  dilated(1, 17, 13, 8, 5, 4),
  dilated(2, 18, 20, 32, 16, 4),
  dilated(1, 12, 11, 3, 6, 3, 'valid'),
  dilated(1, 3, 2, 4, 4, 4),
  opCase('max pool 2', [[2, 8, 6, 5]], (x: tf.Tensor4D) => maxPool(x)),
  opCase('max pool 2, odd side', [[1, 7, 9, 3]], (x: tf.Tensor4D) => maxPool(x)),
  opCase('max pool 3/2 same', [[1, 7, 8, 3]], (x: tf.Tensor4D) => maxPool(x, { size: 3, strides: 2, pad: 'same' })),
  opCase('average pool 2', [[2, 8, 6, 5]], (x: tf.Tensor4D) => avgPool(x)),
  opCase('nearest ×2', [[2, 3, 5, 7]], (x: tf.Tensor4D) => upsampleNearest(x)),
  opCase('pixel norm', [[2, 5, 5, 24]], (x: tf.Tensor4D) => pixelNorm(x)),
  opCase('unit cells', [[2, 5, 3, 16]], (x: tf.Tensor4D) => unitCells(x)),
  opCase('unit cells, odd channels', [[7, 9]], (x: tf.Tensor2D) => unitCells(x, { epsilon: 0.1 })),
  opCase('bilinear ×2', [[2, 3, 5, 7]], (x: tf.Tensor4D) => upsampleBilinear(x, [6, 10])),
  opCase('bilinear to odd sides', [[1, 4, 6, 16]], (x: tf.Tensor4D) => upsampleBilinear(x, [7, 9])),
  opCase('bilinear to fewer rows', [[2, 8, 1, 3]], (x: tf.Tensor4D) => upsampleBilinear(x, [3, 4])),
  opCase('minibatch stddev', [[8, 4, 4, 6]], (x: tf.Tensor4D) => minibatchStddev(x)),
  opCase(
    'batch norm, relu',
    [[4, 6, 5, 9], [9], [9]],
    (x: tf.Tensor4D, gamma: tf.Tensor1D, beta: tf.Tensor1D) => batchNorm(x, gamma, beta, { activation: 'relu' }).y,
  ),
  opCase(
    'batch norm, leaky relu',
    [[2, 7, 3, 16], [16], [16]],
    (x: tf.Tensor4D, gamma: tf.Tensor1D, beta: tf.Tensor1D) => batchNorm(x, gamma, beta, { activation: 'leakyrelu' }).y,
  ),
  opCase(
    'reparameterize z',
    [
      [4, 33],
      [4, 33],
    ],
    (mu: tf.Tensor2D, logvar: tf.Tensor2D) => reparameterize(mu, logvar, { seed: 7, offset: 3 }).z,
  ),
  opCase(
    'reparameterize kl',
    [
      [4, 33],
      [4, 33],
    ],
    (mu: tf.Tensor2D, logvar: tf.Tensor2D) => reparameterize(mu, logvar, { seed: 7, offset: 3 }).kl,
  ),
  opCase('dense, relu', [[8, 48], [48, 32], [32]], (x: tf.Tensor2D, kernel: tf.Tensor2D, bias: tf.Tensor1D) =>
    dense(x, kernel, bias, { activation: 'relu' }),
  ),
  opCase('softmax cross-entropy', [[6, 2]], (logits: tf.Tensor2D) =>
    softmaxCrossEntropy(logits, tf.tensor1d([0, 1, 1, 0, 1, 0], 'int32')),
  ),
];

export interface CaseValues {
  value: Float32Array;
  gradients: Float32Array[];
}

/** Value and gradients of a case on the current backend, for inputs and a cotangent that follow from the seed. */
export function runCase(each: OpCase, seed = 1): CaseValues {
  return runOn(each, (shape, offset) => tf.tensor(philoxNormal(volume(shape), { seed, offset }), shape));
}

/** The same of the absolute values of inputs and cotangent: for a convolution, the sums of its terms' magnitudes. */
export function magnitudesOf(each: OpCase, seed = 1): CaseValues {
  return runOn(each, (shape, offset) => tf.abs(tf.tensor(philoxNormal(volume(shape), { seed, offset }), shape)));
}

/** The worst of value and gradients; by {@link relativeErrorOfSums} where magnitudes are given. */
export function caseError(actual: CaseValues, expected: CaseValues, magnitudes?: CaseValues): number {
  const list = ({ value, gradients }: CaseValues) => [value, ...gradients];
  const scales = magnitudes && list(magnitudes);
  const errors = list(expected).map((values, i) => {
    const got = list(actual)[i]!;
    return scales ? relativeErrorOfSums(got, values, scales[i]!) : relativeError(got, values);
  });
  return Math.max(...errors);
}

function runOn({ shapes, run }: OpCase, draw: (shape: number[], offset: number) => tf.Tensor): CaseValues {
  return tf.tidy(() => {
    const inputs = shapes.map((shape, i) => draw(shape, i * 2 ** 32));
    const outShape = tf.tidy(() => run(...inputs).shape);
    const dy = draw(outShape, 2 ** 40);
    const { value, grads } = tf.valueAndGrads(run)(inputs, dy);
    return { value: value.dataSync() as Float32Array, gradients: grads.map((grad) => grad.dataSync() as Float32Array) };
  });
}
