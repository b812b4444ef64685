/**
 * The cases that every backend must pass, and by which it is timed: shapes, tolerance and FLOPs in one place.
 *
 * A case makes its inputs from a seed, so that two backends compute the same thing; the expected values come from the
 * backend `cpu`.
 */
import * as tf from '@tensorflow/tfjs-core';
import { philoxNormal } from '../base/philox.ts';
import { KERNEL_TOLERANCE } from '../base/tolerance.ts';
import type { Activation } from './activation.ts';
import { batchNorm } from './batch_norm.ts';
import { conv2d } from './conv2d.ts';
import { correlate } from './correlate.ts';
import { correlateNear } from './correlate_near.ts';
import { gammaLikelihood } from './gamma_likelihood.ts';
import { dense, minibatchStddev, softmaxCrossEntropy } from './layers.ts';
import { type Localisation, localisationLoss } from './localisation_loss.ts';
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

type Shape4D = [number, number, number, number];

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

function normCase(x: Shape4D, activation: Activation): OpCase {
  return opCase(
    `batch norm ${x.join('×')}, ${activation}`,
    [x, [x[3]], [x[3]]],
    (input: tf.Tensor4D, gamma: tf.Tensor1D, beta: tf.Tensor1D) => batchNorm(input, gamma, beta, { activation }).y,
  );
}

export function correlateCase(templates: Shape4D, windows: Shape4D): OpCase {
  const [count, h, v, c] = templates;
  const places = (windows[1] - h + 1) * (windows[2] - v + 1);
  return opCase(
    `correlate ${templates.join('×')} with ${windows.join('×')}`,
    [templates, windows],
    (a: tf.Tensor4D, b: tf.Tensor4D) => correlate(a, b),
    2 * count * windows[0] * places * h * v * c,
  );
}

export function correlateNearCase(a: Shape4D, b: Shape4D, reach: number): OpCase {
  return opCase(
    `correlate near ${reach}, ${a.join('×')} with ${b.join('×')}`,
    [a, b],
    (x: tf.Tensor4D, y: tf.Tensor4D) => correlateNear(x, y, reach),
    2 * (2 * reach + 1) ** 2 * volume([Math.max(a[0], b[0]), ...a.slice(1)]),
  );
}

/** 1 in every `period`th element, from `first` on. */
const everyNth = (shape: number[], period: number, first: number) =>
  tf.tensor(
    new Float32Array(volume(shape)).map((_, i) => Number(i % period === first)),
    shape,
  );

/** Masks in which every window has a positive cell, and a few pairs are left out. */
function localisation([templates, windows, n, m]: Shape4D, withRivals: boolean): Localisation {
  const cells = [windows, n, m];
  const where = { positive: everyNth(cells, 3, 0) as tf.Tensor3D, ignored: everyNth(cells, 4, 1) as tf.Tensor3D };
  return withRivals ? { ...where, rivals: tf.sub(1, everyNth([templates, windows], 5, 2)) as tf.Tensor2D } : where;
}

export function localisationCase(maps: Shape4D, withRivals: boolean): OpCase {
  return opCase(
    `localisation loss ${maps.join('×')}${withRivals ? ', rivals' : ''}`,
    [maps, [1]],
    (x: tf.Tensor4D, logScale: tf.Tensor1D) => localisationLoss(x, logScale, localisation(maps, withRivals)),
    4 * volume(maps),
  );
}

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
  // To few channels, and to numbers of them that leave a vector of a panel empty.
  conv(2, 9, 11, 16, 2, 3, 1, 'same', 'leakyrelu'),
  conv(1, 10, 7, 32, 3, 3, 2, 'valid', 'relu'),
  conv(2, 8, 9, 48, 4, 5, 1, 'valid', 'linear'),
  conv(1, 17, 16, 32, 16, 3, 1, 'same', 'relu'),
  conv(1, 16, 16, 16, 48, 3, 1, 'same', 'linear'),
  // So few channels that neighbouring outputs share a vector.
  conv(2, 9, 12, 3, 8, 3, 1, 'same', 'relu'),
  conv(2, 9, 16, 5, 8, 5, 2, 'same', 'linear'),
  conv(2, 10, 18, 3, 4, 3, 1, 'valid', 'leakyrelu'),
  conv(1, 7, 32, 3, 4, 3, 2, 'same', 'relu'),
  conv(1, 6, 16, 6, 1, 3, 1, 'same', 'linear'),
  dilated(1, 12, 11, 16, 1, 2),
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
  correlateCase([3, 4, 4, 5], [3, 7, 7, 5]),
  correlateCase([5, 3, 6, 2], [2, 8, 9, 2]),
  correlateCase([2, 8, 8, 16], [3, 12, 12, 16]),
  correlateCase([1, 5, 1, 3], [4, 5, 11, 3]),
  correlateNearCase([3, 6, 5, 16], [3, 6, 5, 16], 2),
  correlateNearCase([1, 7, 4, 3], [4, 7, 4, 3], 1),
  correlateNearCase([5, 2, 3, 20], [1, 2, 3, 20], 3),
  localisationCase([4, 4, 5, 5], false),
  localisationCase([7, 3, 3, 6], true),
  opCase('gamma likelihood', [[2, 5, 3, 1]], (x: tf.Tensor4D) =>
    gammaLikelihood(x, tf.add(everyNth(x.shape, 3, 1), 0.5)),
  ),
  opCase('minibatch stddev', [[8, 4, 4, 6]], (x: tf.Tensor4D) => minibatchStddev(x)),
  normCase([4, 6, 5, 9], 'relu'),
  normCase([2, 7, 3, 16], 'leakyrelu'),
  normCase([2, 8, 8, 3], 'leakyrelu'),
  normCase([3, 8, 6, 8], 'leakyrelu'),
  normCase([2, 4, 4, 24], 'linear'),
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

/** Ops of a training step of a dense matcher and of its scoring beyond convolutions: patches of 64 px, windows of 96 px. */
export const denseCases = (batch: number): readonly OpCase[] => [
  correlateCase([batch, 32, 32, 16], [batch, 48, 48, 16]),
  localisationCase([batch, batch, 17, 17], false),
  correlateNearCase([batch, 32, 32, 16], [batch, 32, 32, 16], 2),
  correlateNearCase([1, 32, 32, 16], [batch, 32, 32, 16], 2),
];

export interface CaseValues {
  value: Float32Array;
  gradients: Float32Array[];
}

/**
 * Value and gradients of a case on the current backend, for inputs and a cotangent that follow from the seed.
 *
 * @param change of all of them; by `tf.abs` the results of a convolution are the sums of its terms' magnitudes.
 */
export function runCase(
  { shapes, run }: OpCase,
  seed = 1,
  change: (drawn: tf.Tensor) => tf.Tensor = (drawn) => drawn,
): CaseValues {
  const draw = (shape: number[], offset: number) =>
    change(tf.tensor(philoxNormal(volume(shape), { seed, offset }), shape));
  return tf.tidy(() => {
    const inputs = shapes.map((shape, i) => draw(shape, i * 2 ** 32));
    const outShape = tf.tidy(() => run(...inputs).shape);
    const dy = draw(outShape, 2 ** 40);
    const { value, grads } = tf.valueAndGrads(run)(inputs, dy);
    return { value: value.dataSync() as Float32Array, gradients: grads.map((grad) => grad.dataSync() as Float32Array) };
  });
}
