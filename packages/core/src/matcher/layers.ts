/**
 * The layers that matchers are made of, read in three ways: for training (batch statistics, dropout), for evaluation
 * (moving statistics), and folded for scoring (batch normalisation inside the convolutions). A preset is written once, in
 * terms of `Layers`.
 */
import * as tf from '@tensorflow/tfjs-core';
import { COUNTERS_A_STEP } from '../base/philox.ts';
import { type Activation, batchNorm, conv2d, dense, dropout } from '../ops/ops.ts';
import { type Pairing, takeRows } from './pairing.ts';
import { normName } from './parameters.ts';

export interface ConvLayerOptions {
  strides?: number;
  /** The first of its stream: its input is data, which needs no gradient. */
  isInput?: boolean;
}

export interface Layers {
  /** 3×3 convolution, batch normalisation where the preset has it, ReLU: [N, h, w, ci] → [N, ⌈h/strides⌉, …, co]. */
  conv(name: string, x: tf.Tensor4D, options?: ConvLayerOptions): tf.Tensor4D;
  /**
   * The same over the concatenated maps of pairs, [n, h, w, c] and [m, h, w, c] with N pairs among them: what each patch
   * adds is computed once for it, since a convolution of a concatenation is a sum of two.
   */
  pairConv(name: string, sar: tf.Tensor4D, optical: tf.Tensor4D, pairing: Pairing, strides: number): tf.Tensor4D;
  /** [N, ci] → [N, co] */
  dense(name: string, x: tf.Tensor2D, activation: Activation): tf.Tensor2D;
  /** Zeroes a share of the elements in training, does nothing otherwise. */
  dropout(x: tf.Tensor2D, rate: number): tf.Tensor2D;
}

/** ε of batch normalisation. */
export const EPSILON = 1e-5;
/** Share of the old value in a step of the moving statistics. */
const MOMENTUM = 0.9;

type Tensors = ReadonlyMap<string, tf.Tensor>;

/** Typed access; every name comes from the preset's own list, so absence is a slip in this program. */
export function tensorOf<T extends tf.Tensor>(tensors: Tensors, name: string): T {
  const tensor = tensors.get(name);
  if (!tensor) throw new Error(`the matcher has no tensor "${name}"`);
  return tensor as T;
}

const denseLayer = (tensors: Tensors, name: string, x: tf.Tensor2D, activation: Activation) =>
  dense(x, tensorOf(tensors, `${name}.kernel`), tensorOf(tensors, `${name}.bias`), { activation });

/** Convolution with bias and ReLU: of a preset without batch normalisation, and of one where it is folded in. */
const biasedConv = (tensors: Tensors, name: string, x: tf.Tensor4D, { strides = 1, isInput }: ConvLayerOptions) =>
  conv2d(x, tensorOf(tensors, `${name}.filter`), tensorOf(tensors, `${name}.bias`), {
    strides,
    activation: 'relu',
    inputGradient: !isInput,
  });

/** conv(s, f_s)[pairs] + conv(o, f_o)[pairs]: [N, ⌈h/strides⌉, …, co], without bias and activation. */
function linearPairConv(
  filter: tf.Tensor4D,
  sar: tf.Tensor4D,
  optical: tf.Tensor4D,
  pairing: Pairing,
  strides: number,
): tf.Tensor4D {
  const [sarFilter, opticalFilter] = tf.split(filter, [sar.shape[3], optical.shape[3]], 2) as [
    tf.Tensor4D,
    tf.Tensor4D,
  ];
  return tf.add(
    takeRows(conv2d(sar, sarFilter, null, { strides }), pairing.sar),
    takeRows(conv2d(optical, opticalFilter, null, { strides }), pairing.optical),
  );
}

/** Bias and ReLU of a convolution that was computed without. */
const biased = (tensors: Tensors, name: string, linear: tf.Tensor4D): tf.Tensor4D =>
  tf.relu(tf.add(linear, tensorOf(tensors, `${name}.bias`)));

/** Rows that batch normalisation keeps apart, by the first part of a layer's name ("sar", "optical", "fusion", "pair"). */
export type Apart = Readonly<Record<string, readonly number[]>>;

/**
 * Batch statistics and dropout. Each convolution's batch statistics move the moving ones:
 * moving ← 0.9·moving + 0.1·batch (the variance is the biased one, in both).
 */
export function trainingLayers(
  parameters: Tensors,
  statistics: ReadonlyMap<string, tf.Variable>,
  noise: { seed: number; step: number },
  apart: Apart = {},
): Layers {
  const move = (name: string, batch: tf.Tensor) => {
    const moving = tensorOf<tf.Variable>(statistics, name);
    moving.assign(tf.tidy(() => tf.add(tf.mul(moving, MOMENTUM), tf.mul(batch, 1 - MOMENTUM))));
  };
  const byBatch = (norm: string, linear: tf.Tensor4D) => {
    const [gamma, beta] = [`${norm}.gamma`, `${norm}.beta`].map((each) => tensorOf<tf.Tensor1D>(parameters, each));
    return batchNorm(linear, gamma!, beta!, { epsilon: EPSILON, activation: 'relu' });
  };
  const normalise = (norm: string, linear: tf.Tensor4D) => {
    const rows = apart[norm.slice(0, norm.indexOf('.'))] ?? [];
    const others = rowsBut(rows, linear.shape[0]);
    const { y, mean, variance } = byBatch(norm, takeRows(linear, others));
    move(`${norm}.mean`, mean);
    move(`${norm}.variance`, variance);
    if (rows.length === 0) return y;
    const together = tf.concat([y, byBatch(norm, takeRows(linear, rows)).y], 0) as tf.Tensor4D;
    return takeRows(together, inverseOf([...others, ...rows]));
  };
  return {
    ...normalisedLayers(parameters, statistics, normalise),
    dense: (name, x, activation) => denseLayer(parameters, name, x, activation),
    dropout: (x, rate) => dropout(x, { rate, seed: noise.seed, offset: noise.step * COUNTERS_A_STEP }),
  };
}

function rowsBut(rows: readonly number[], count: number): number[] {
  const without = new Set(rows);
  return Array.from({ length: count }, (_, row) => row).filter((row) => !without.has(row));
}

/** Where each row went. */
function inverseOf(order: readonly number[]): number[] {
  const inverse = new Array<number>(order.length);
  order.forEach((row, position) => {
    inverse[row] = position;
  });
  return inverse;
}

/** Moving statistics, no dropout, batch normalisation as it is defined: the truth for the folded form. */
export function evaluationLayers(parameters: Tensors, statistics: Tensors): Layers {
  const normalise = (norm: string, linear: tf.Tensor4D) => {
    const [mean, variance] = ['mean', 'variance'].map((each) => tensorOf<tf.Tensor1D>(statistics, `${norm}.${each}`));
    const [gamma, beta] = ['gamma', 'beta'].map((each) => tensorOf<tf.Tensor1D>(parameters, `${norm}.${each}`));
    return tf.relu(tf.batchNorm(linear, mean!, variance!, beta, gamma, EPSILON));
  };
  return {
    ...normalisedLayers(parameters, statistics, normalise),
    dense: (name, x, activation) => denseLayer(parameters, name, x, activation),
    dropout: (x) => x,
  };
}

/** Convolutions with batch normalisation where the preset has it. @param normalise includes the ReLU. */
function normalisedLayers(
  parameters: Tensors,
  statistics: Tensors,
  normalise: (norm: string, linear: tf.Tensor4D) => tf.Tensor4D,
): Pick<Layers, 'conv' | 'pairConv'> {
  const hasNorm = (name: string) => statistics.has(`${normName(name)}.mean`);
  const filterOf = (name: string) => tensorOf<tf.Tensor4D>(parameters, `${name}.filter`);
  return {
    conv(name, x, options = {}) {
      if (!hasNorm(name)) return biasedConv(parameters, name, x, options);
      const { strides = 1, isInput } = options;
      return normalise(normName(name), conv2d(x, filterOf(name), null, { strides, inputGradient: !isInput }));
    },
    pairConv(name, sar, optical, pairing, strides) {
      const linear = linearPairConv(filterOf(name), sar, optical, pairing, strides);
      return hasNorm(name) ? normalise(normName(name), linear) : biased(parameters, name, linear);
    },
  };
}

/** For scoring. @param folded as `foldBatchNorm` gives it. */
export function foldedLayers(folded: Tensors): Layers {
  return {
    // Made patches are moved by the gradient of the score, so the first convolution has one by its input, too.
    conv: (name, x, { strides = 1 } = {}) => biasedConv(folded, name, x, { strides }),
    pairConv: (name, sar, optical, pairing, strides) =>
      biased(folded, name, linearPairConv(tensorOf(folded, `${name}.filter`), sar, optical, pairing, strides)),
    dense: (name, x, activation) => denseLayer(folded, name, x, activation),
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
