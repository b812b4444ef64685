/**
 * Layers over tensors, in three readings: for training (batch statistics, dropout), for evaluation (moving statistics),
 * and folded for scoring (batch normalisation inside the convolutions).
 */
import * as tf from '@tensorflow/tfjs-core';
import { COUNTERS_A_STEP } from '../base/philox.ts';
import { activate } from '../ops/activation.ts';
import {
  type Activation,
  batchNorm,
  blend,
  conv2d,
  correlate,
  correlateNear,
  dense,
  dropout,
  maxPool,
  unitCells,
  upsampleBilinear,
} from '../ops/ops.ts';
import { batchNormOfAll } from '../processes/batch_norm_of_all.ts';
import type { Processes } from '../processes/communicator.ts';
import { gatherRows, ownRows, rowsOfAll } from '../processes/gather_rows.ts';
import type { ConvOptions, Half, Layers } from './layers.ts';
import { takeRows } from './pairing.ts';
import { normName } from './parameters.ts';

/** ε of batch normalisation. */
export const EPSILON = 1e-5;
/** Share of the old value in a step of the moving statistics. */
const MOMENTUM = 0.9;

type Tensors = ReadonlyMap<string, tf.Tensor>;

/** Typed access; every name comes from the architecture, so absence is a slip in this program. */
function tensorOf<T extends tf.Tensor>(tensors: Tensors, name: string): T {
  const tensor = tensors.get(name);
  if (!tensor) throw new Error(`the matcher has no tensor "${name}"`);
  return tensor as T;
}

const filterOf = (tensors: Tensors, name: string) => tensorOf<tf.Tensor4D>(tensors, `${name}.filter`);
const biasOf = (tensors: Tensors, name: string) => tensorOf<tf.Tensor1D>(tensors, `${name}.bias`);

const activated = (x: tf.Tensor4D, activation: Activation = 'relu') => activate(x, { activation, leakyreluAlpha: 0.2 });

/** Everything that is read alike in training and scoring. */
const commonLayers = (tensors: Tensors): Omit<Layers<tf.Tensor>, 'conv' | 'halfConv' | 'sumHalves' | 'dropout'> => ({
  dense: (name, x, { activation }) =>
    dense(x as tf.Tensor2D, tensorOf(tensors, `${name}.kernel`), biasOf(tensors, name), { activation }),
  maxPool: (x) => maxPool(x as tf.Tensor4D),
  concat: (parts) => tf.concat([...parts], -1),
  mean: (x) => tf.mean(x, [1, 2]),
  max: (x) => tf.max(x, [1, 2]),
  flatten: (x) => tf.reshape(x, [x.shape[0] as number, -1]),
  rows: (x, rows) => takeRows(x as tf.Tensor4D, rows),
  add: (a, b) => tf.add(a, b),
  upsample: (x, like) => upsampleBilinear(x as tf.Tensor4D, like.shape.slice(1, 3) as [number, number]),
  unit: (x) => unitCells(x as tf.Tensor4D),
  correlate: (templates, windows) => correlate(templates as tf.Tensor4D, windows as tf.Tensor4D),
  peak: (sar, optical, reach) => tf.max(correlateNear(sar as tf.Tensor4D, optical as tf.Tensor4D, reach), [1, 2]),
  scaledLogits(name, x) {
    const scale = tf.exp(tensorOf(tensors, `${name}.logScale`));
    const scaled = tf.mul(tf.sub(x, tensorOf(tensors, `${name}.midpoint`)), scale); // [N]
    return tf.stack([tf.zerosLike(scaled), scaled], 1);
  },
});

/**
 * Convolution with bias and activation in one pass: of a layer without batch normalisation, and of one where it is
 * folded in.
 */
const biasedConv = (
  tensors: Tensors,
  name: string,
  x: tf.Tensor,
  { strides = 1, dilations = 1, activation = 'relu', exact = true }: ConvOptions,
  inputGradient: boolean,
) => {
  const options = { strides, dilations, activation, inputGradient, exact };
  return conv2d(x as tf.Tensor4D, filterOf(tensors, name), biasOf(tensors, name), options);
};

/** Both halves of a filter by its input channels, given how many of them one half has. */
function splitFilter(filter: tf.Tensor4D, channels: number, half: Half): Record<Half, tf.Tensor4D> {
  const others = filter.shape[2] - channels;
  const sizes = half === 'first' ? [channels, others] : [others, channels];
  const [first, second] = tf.split(filter, sizes, 2) as [tf.Tensor4D, tf.Tensor4D];
  return { first, second };
}

/**
 * Batch statistics and dropout. Once the network is read, `moveStatistics` moves the moving statistics by those of the
 * batch: moving ← 0.9·moving + 0.1·batch (the variance is the biased one, in both).
 *
 * @param noise seed of the run and step of it, which decide what dropout zeroes.
 * @param processes that each pass an own share of the batch; default: this one passes it as a whole.
 */
export function trainingLayers(
  parameters: Tensors,
  statistics: ReadonlyMap<string, tf.Variable>,
  noise: { seed: number; step: number },
  processes?: Processes,
): { layers: Layers<tf.Tensor>; moveStatistics: () => void } {
  const ofBatch = new Map<string, tf.Tensor>();
  const moveStatistics = () => {
    const moving = [...ofBatch.keys()].map((name) => tensorOf<tf.Variable>(statistics, name));
    const moved = blend(moving, [...ofBatch.values()], { alpha: MOMENTUM, beta: 1 - MOMENTUM });
    for (const [i, variable] of moving.entries()) variable.assign(moved[i]!);
    ofBatch.clear();
  };
  const normalise: Normalise = (norm, linear, activation = 'relu') => {
    const [gamma, beta] = [
      tensorOf<tf.Tensor1D>(parameters, `${norm}.gamma`),
      tensorOf<tf.Tensor1D>(parameters, `${norm}.beta`),
    ];
    const options = { epsilon: EPSILON, activation };
    const { y, mean, variance } =
      processes?.statistics === 'synchronised'
        ? batchNormOfAll(linear, gamma, beta, options, processes.communicator)
        : batchNorm(linear, gamma, beta, options);
    if (ofBatch.has(`${norm}.mean`)) moveStatistics(); // a layer that is read twice moves them twice
    ofBatch.set(`${norm}.mean`, mean).set(`${norm}.variance`, variance);
    return y;
  };
  const layers = { ...normalisedLayers(parameters, normalise), dropout: zeroing(noise) };
  return { layers: shared(layers, processes), moveStatistics };
}

/** Dropout of a step. */
const zeroing =
  ({ seed, step }: { seed: number; step: number }): Layers<tf.Tensor>['dropout'] =>
  (x, rate) =>
    dropout(x, { rate, seed, offset: step * COUNTERS_A_STEP });

/** Layers of a network that passes every `size`-th row of each map, and meets those of the other processes. */
function shared(layers: Layers<tf.Tensor>, processes: Processes | undefined): Layers<tf.Tensor> {
  if (!processes) return layers;
  const { communicator, matrix } = processes;
  const { rows, correlate: compare, dropout: zeroed } = layers;
  return {
    ...layers,
    // The mask of the whole batch, so that it does not depend on who passes which row.
    dropout(x, rate) {
      const [own, ...rest] = x.shape as [number, ...number[]];
      const mask = zeroed(tf.ones([rowsOfAll(own, communicator), ...rest]), rate);
      return tf.mul(x, ownRows(mask, communicator));
    },
    rows: (x, of) => rows(gatherRows(x, communicator), of),
    correlate: (templates, windows) =>
      compare(templates, matrix === 'gathered' ? gatherRows(windows, communicator) : windows),
  };
}

/**
 * Moving statistics, which stay as they are, and dropout: batch normalisation is folded into the convolutions within the
 * tape, so that filters, γ and β still learn.
 */
export function frozenLayers(
  parameters: Tensors,
  statistics: Tensors,
  noise: { seed: number; step: number },
  processes?: Processes,
): Layers<tf.Tensor> {
  const folded = foldBatchNorm(parameters, statistics);
  return shared({ ...foldedLayers(folded), dropout: zeroing(noise) }, processes);
}

/** Moving statistics, no dropout, batch normalisation as it is defined: the truth for the folded form. */
export function evaluationLayers(parameters: Tensors, statistics: Tensors): Layers<tf.Tensor> {
  const normalise: Normalise = (norm, linear, activation) => {
    const [mean, variance] = [
      tensorOf<tf.Tensor1D>(statistics, `${norm}.mean`),
      tensorOf<tf.Tensor1D>(statistics, `${norm}.variance`),
    ];
    const [gamma, beta] = [
      tensorOf<tf.Tensor1D>(parameters, `${norm}.gamma`),
      tensorOf<tf.Tensor1D>(parameters, `${norm}.beta`),
    ];
    return activated(tf.batchNorm(linear, mean, variance, beta, gamma, EPSILON), activation);
  };
  return { ...normalisedLayers(parameters, normalise), dropout: (x) => x };
}

type Normalise = (norm: string, linear: tf.Tensor4D, activation: Activation | undefined) => tf.Tensor4D;

/** Convolutions with batch normalisation as a separate pass. @param normalise includes the activation. */
function normalisedLayers(parameters: Tensors, normalise: Normalise): Omit<Layers<tf.Tensor>, 'dropout'> {
  const split = new Map<string, Record<Half, tf.Tensor4D>>(); // once for both halves of a step
  return {
    ...commonLayers(parameters),
    conv(name, x, options) {
      const { strides = 1, dilations = 1, isInput = false, exact = true, activation } = options;
      if (!options.batchNorm) return biasedConv(parameters, name, x, options, !isInput);
      const passes = { strides, dilations, inputGradient: !isInput, exact };
      const linear = conv2d(x as tf.Tensor4D, filterOf(parameters, name), null, passes);
      return normalise(normName(name), linear, activation);
    },
    halfConv(name, x, half, { strides = 1 }) {
      const map = x as tf.Tensor4D;
      const filters = split.get(name) ?? splitFilter(filterOf(parameters, name), map.shape[3], half);
      split.set(name, filters);
      return conv2d(map, filters[half], null, { strides });
    },
    sumHalves(name, first, second, options) {
      const linear = tf.add(first as tf.Tensor4D, second) as tf.Tensor4D;
      if (options.batchNorm) return normalise(normName(name), linear, options.activation);
      return activated(tf.add(linear, biasOf(parameters, name)) as tf.Tensor4D, options.activation);
    },
  };
}

/** Layers for scoring. @param folded as `foldBatchNorm` gives it. */
export function foldedLayers(folded: Tensors): Layers<tf.Tensor> {
  return {
    ...commonLayers(folded),
    conv: (name, x, options) => biasedConv(folded, name, x, options, true),
    // The first half takes the bias along, so that a pair costs one addition.
    halfConv(name, x, half, { strides = 1 }) {
      const map = x as tf.Tensor4D;
      const filters = splitFilter(filterOf(folded, name), map.shape[3], half);
      return conv2d(map, filters[half], half === 'first' ? biasOf(folded, name) : null, { strides });
    },
    sumHalves: (_name, first, second, { activation }) =>
      activated(tf.add(first as tf.Tensor4D, second) as tf.Tensor4D, activation),
    dropout: (x) => x,
  };
}

/**
 * The weights of a matcher without batch normalisation that computes the same: with s = γ / √(variance + ε),
 *
 *   filter′ = filter · s,  bias′ = β − mean · s
 *
 * New tensors, which the caller disposes of; later training leaves them as they are.
 */
export function foldBatchNorm(parameters: Tensors, statistics: Tensors): Map<string, tf.Tensor> {
  const folded = new Map<string, tf.Tensor>();
  for (const [name, tensor] of parameters) {
    const norm = name.endsWith('.filter') ? normName(name.slice(0, -'.filter'.length)) : undefined;
    if (norm && statistics.has(`${norm}.mean`)) {
      const [filter, bias] = foldOne(tensor, norm, parameters, statistics);
      folded.set(name, filter).set(name.replace(/filter$/, 'bias'), bias);
    } else if (!/\.(gamma|beta)$/.test(name)) {
      folded.set(name, tf.clone(tensor));
    }
  }
  return folded;
}

function foldOne(filter: tf.Tensor, norm: string, parameters: Tensors, statistics: Tensors): [tf.Tensor, tf.Tensor] {
  return tf.tidy(() => {
    const variance = tensorOf(statistics, `${norm}.variance`);
    const scale = tf.mul(tensorOf(parameters, `${norm}.gamma`), tf.rsqrt(tf.add(variance, EPSILON)));
    const shift = tf.sub(tensorOf(parameters, `${norm}.beta`), tf.mul(tensorOf(statistics, `${norm}.mean`), scale));
    return [tf.mul(filter, scale), shift];
  });
}
