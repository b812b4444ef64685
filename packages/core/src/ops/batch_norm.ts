/**
 * DoppelBatchNorm, training: statistics, normalisation and activation in one pass; backward in one call.
 *
 *   y = act((x − mean) / √(variance + ε) · γ + β), mean and biased variance over batch, height and width
 *
 * Ioffe and Szegedy, Batch Normalization (ICML 2015). At inference it folds into the convolution before it.
 */
import * as tf from '@tensorflow/tfjs-core';
import { type Activation, type ActivationAttributes, activate, activationGradient } from './activation.ts';
import { channelSum } from './conv2d.wasm.ts';
import { type Gradient, runKernelMulti } from './kernel.ts';

export const BATCH_NORM = 'DoppelBatchNorm';
export const BATCH_NORM_BACKPROP = 'DoppelBatchNormBackprop';

export interface BatchNormAttributes extends ActivationAttributes {
  epsilon: number;
}

export interface BatchNormInputs {
  /** [n, h, w, c] */
  x: tf.Tensor4D;
  /** [c] */
  gamma: tf.Tensor1D;
  beta: tf.Tensor1D;
}

export interface BatchNormBackpropInputs extends BatchNormInputs {
  dy: tf.Tensor4D;
  mean: tf.Tensor1D;
  variance: tf.Tensor1D;
}

export interface BatchNormOptions {
  epsilon?: number;
  activation?: Activation;
  leakyreluAlpha?: number;
}

export interface BatchNormResult {
  y: tf.Tensor4D;
  /** [c], of this batch; no gradient flows through them. */
  mean: tf.Tensor1D;
  variance: tf.Tensor1D;
}

export function batchNorm(
  x: tf.Tensor4D,
  gamma: tf.Tensor1D,
  beta: tf.Tensor1D,
  options: BatchNormOptions = {},
): BatchNormResult {
  const { epsilon = 1e-5, activation = 'linear', leakyreluAlpha = 0.2 } = options;
  const [y, mean, variance] = runKernelMulti(BATCH_NORM, { x, gamma, beta }, { epsilon, activation, leakyreluAlpha });
  return { y: y as tf.Tensor4D, mean: mean as tf.Tensor1D, variance: variance as tf.Tensor1D };
}

/** The two steps of the reference by backend: sums over positions, scaling of channels. */
interface ChannelArithmetic {
  /** [n, h, w, c] → [c] */
  sum(x: tf.Tensor4D): tf.Tensor;
  /** act(x · scale + shift) by channel. */
  affine(x: tf.Tensor4D, scale: tf.Tensor, shift: tf.Tensor, relu?: boolean): tf.Tensor4D;
}

const plain: ChannelArithmetic = {
  sum: (x) => tf.sum(x, [0, 1, 2]),
  affine: (x, scale, shift, relu = false) => {
    const y = tf.add(tf.mul(x, scale), shift) as tf.Tensor4D;
    return relu ? tf.relu(y) : y;
  },
};

/** Arithmetic on wasm: a depthwise 1×1 convolution scales, shifts and clips in one pass. */
const depthwise: ChannelArithmetic = {
  sum: channelSum,
  affine: (x, scale, shift, relu = false) =>
    tf.fused.depthwiseConv2d({
      x,
      filter: tf.reshape(scale, [1, 1, -1, 1]) as tf.Tensor4D,
      bias: shift,
      strides: 1,
      pad: 'same',
      activation: relu ? 'relu' : 'linear',
    }),
};

function forward(arithmetic: ChannelArithmetic) {
  return ({ x, gamma, beta }: BatchNormInputs, attrs: BatchNormAttributes): tf.Tensor[] => {
    const [n, h, w] = x.shape;
    const mean = tf.div(arithmetic.sum(x), n * h * w);
    const centred = arithmetic.affine(x, tf.onesLike(mean), tf.neg(mean));
    const variance = tf.div(arithmetic.sum(tf.square(centred)), n * h * w);
    const scale = tf.mul(gamma, tf.rsqrt(tf.add(variance, attrs.epsilon)));
    const y = arithmetic.affine(centred, scale, beta, attrs.activation === 'relu');
    return [attrs.activation === 'relu' ? y : activate(y, attrs), mean, variance];
  };
}

/**
 * With x̂ the normalised input, g = dy · act′ and M = n·h·w:
 *   dβ = Σg,  dγ = Σ g·x̂,  dx = γ/σ · (g − dβ/M − x̂·dγ/M)
 */
function backward(arithmetic: ChannelArithmetic) {
  return (inputs: BatchNormBackpropInputs, attrs: BatchNormAttributes): tf.Tensor[] => {
    const { dy, x, gamma, beta, mean, variance } = inputs;
    const [n, h, w] = x.shape;
    const rsigma = tf.rsqrt(tf.add(variance, attrs.epsilon));
    const normalised = arithmetic.affine(x, rsigma, tf.neg(tf.mul(mean, rsigma)));
    const g =
      attrs.activation === 'linear' ? dy : activationGradient(dy, arithmetic.affine(normalised, gamma, beta), attrs);
    const dbeta = arithmetic.sum(g);
    const dgamma = arithmetic.sum(tf.mul(g, normalised));
    const scale = tf.mul(gamma, rsigma);
    const share = tf.neg(tf.div(scale, n * h * w));
    const dx = tf.add(
      arithmetic.affine(g, scale, tf.zerosLike(scale)),
      arithmetic.affine(normalised, tf.mul(share, dgamma), tf.mul(share, dbeta)),
    );
    return [dx, dgamma, dbeta];
  };
}

/** Reference kernels by backend. */
export const batchNormReferences = { cpu: forward(plain), wasm: forward(depthwise) };
export const batchNormBackpropReferences = { cpu: backward(plain), wasm: backward(depthwise) };

export const batchNormGradient: Gradient = {
  inputsToSave: ['x', 'gamma', 'beta'],
  outputsToSave: [false, true, true],
  gradFunc: (douts, [x, gamma, beta, mean, variance], attrs) => {
    const inputs = { dy: [douts].flat()[0]!, x: x!, gamma: gamma!, beta: beta!, mean: mean!, variance: variance! };
    const [dx, dgamma, dbeta] = runKernelMulti(BATCH_NORM_BACKPROP, inputs, attrs);
    return { x: () => dx!, gamma: () => dgamma!, beta: () => dbeta! };
  },
};
