/**
 * DoppelConv2D: convolution, bias and activation in one pass; backward gives dx, dfilter and dbias in one call, with
 * the activation's derivative fused in. Twice differentiable, for the gradient penalty of a critic.
 *
 * tfjs splits its fused convolution into single ops under a gradient if it has an activation; hence a separate kernel.
 * NHWC, filters HWIO, padding by TensorFlow's rule ("same": output = ceil(input / stride), the odd pixel at the end).
 * A dilated filter's taps lie `dilations` pixels apart; Yu and Koltun, Multi-Scale Context Aggregation by Dilated
 * Convolutions (ICLR 2016).
 */
import * as tf from '@tensorflow/tfjs-core';
import { type Activation, type ActivationAttributes, activationGradient } from './activation.ts';
import { type Gradient, runKernel, runKernelMulti } from './kernel.ts';

export const CONV2D = 'DoppelConv2D';
export const CONV2D_BACKPROP = 'DoppelConv2DBackprop';

export interface Conv2DAttributes extends ActivationAttributes {
  strides: number;
  /** Distance in pixels of neighbouring taps of the filter; greater than 1 at stride 1 only. */
  dilations: number;
  pad: 'same' | 'valid';
}

export interface Conv2DInputs {
  /** [n, h, w, ci] */
  x: tf.Tensor4D;
  /** [kh, kw, ci, co] */
  filter: tf.Tensor4D;
  /** [co] */
  bias?: tf.Tensor1D;
}

export type Conv2DGradient = 'dx' | 'dfilter' | 'dbias';

export interface Conv2DBackpropInputs {
  /** [n, oh, ow, co] */
  dy: tf.Tensor4D;
  x: tf.Tensor4D;
  filter: tf.Tensor4D;
  /** The forward's output; read only where there is an activation (tfjs cannot save an input that is absent). */
  y: tf.Tensor4D;
}

export interface Conv2DBackpropAttributes extends Conv2DAttributes {
  /** The gradients to compute, in this order: dx, dfilter, dbias. */
  outputs: Conv2DGradient[];
}

export interface Conv2DOptions {
  strides?: number;
  /** Distance in pixels of neighbouring taps of the filter; default 1. */
  dilations?: number;
  pad?: 'same' | 'valid';
  activation?: Activation;
  leakyreluAlpha?: number;
  /** False where x is data and its gradient is never asked for: saves its computation. Default true. */
  inputGradient?: boolean;
  /**
   * Each gradient is computed alone, when it is asked for, instead of all in one pass: for networks that are only
   * passed through, and for the inner gradient of a gradient penalty. Default false.
   */
  gradientsApart?: boolean;
  /**
   * The forward pass of what is differentiated rounds as little as a plain sum, since an activation that rounding moves
   * across its kink changes the gradient. False: `native` may use Winograd there too, to 1e-6. Default true.
   */
  exact?: boolean;
}

/** act(x ∗ filter + bias): [n, h, w, ci] → [n, oh, ow, co]. @throws Error if both strides and dilations exceed 1 */
export function conv2d(
  x: tf.Tensor4D,
  filter: tf.Tensor4D,
  bias: tf.Tensor1D | null,
  options: Conv2DOptions = {},
): tf.Tensor4D {
  const { strides = 1, dilations = 1, pad = 'same', activation = 'linear', leakyreluAlpha = 0.2 } = options;
  const { inputGradient = true, gradientsApart = false, exact = true } = options;
  if (strides > 1 && dilations > 1)
    throw new Error(`conv2d needs strides or dilations of 1, found ${strides} and ${dilations}`);
  const ways = { inputGradient, biasGradient: bias !== null, gradientsApart, exact };
  const attrs = { strides, dilations, pad, activation, leakyreluAlpha, ...ways };
  return runKernel(CONV2D, bias ? { x, filter, bias } : { x, filter }, attrs);
}

function conv2dBackprop(
  inputs: Conv2DBackpropInputs,
  attrs: Conv2DBackpropAttributes,
): Partial<Record<Conv2DGradient, tf.Tensor>> {
  const { strides, dilations, pad, activation, leakyreluAlpha, outputs } = attrs;
  const ours = { strides, dilations, pad, activation, leakyreluAlpha, outputs };
  const results = runKernelMulti(CONV2D_BACKPROP, { ...inputs }, ours);
  return Object.fromEntries(outputs.map((name, i) => [name, results[i]]));
}

type Saved = tf.Tensor[];
type Gradients = Record<string, () => tf.Tensor>;

function gradientOfConv2D(dy: tf.Tensor | tf.Tensor[], [x, filter, y]: Saved, raw: tf.NamedAttrMap): Gradients {
  const attrs = raw as unknown as Conv2DAttributes &
    Record<'inputGradient' | 'biasGradient' | 'gradientsApart', boolean>;
  const inputs = { dy, x, filter, y } as Conv2DBackpropInputs;
  if (attrs.gradientsApart) {
    const only = (output: Conv2DGradient) => () => conv2dBackprop(inputs, { ...attrs, outputs: [output] })[output]!;
    return { x: only('dx'), filter: only('dfilter'), bias: only('dbias') };
  }
  // At once, not when asked: tfjs wraps each request in a tidy that would free the other results.
  const outputs: Conv2DGradient[] = ['dfilter'];
  if (attrs.inputGradient) outputs.unshift('dx');
  if (attrs.biasGradient) outputs.push('dbias');
  const { dx, dfilter, dbias } = conv2dBackprop(inputs, { ...attrs, outputs });
  return {
    x: () => {
      if (!dx) throw new Error('the gradient of a convolution by x was asked for after inputGradient: false');
      return dx;
    },
    filter: () => dfilter!,
    bias: () => dbias!,
  };
}

/**
 * The gradient of the backward pass. With g = dy · act′(y): dx = gᵀ∗f, dfilter = x⋆g and dbias = Σg are linear in g, f
 * and x, so their gradients are convolutions again. act″ is 0 almost everywhere, hence nothing flows to y.
 */
function gradientOfBackprop(douts: tf.Tensor | tf.Tensor[], saved: Saved, raw: tf.NamedAttrMap): Gradients {
  const attrs = raw as unknown as Conv2DBackpropAttributes;
  const [dy, x, filter, y] = saved as [tf.Tensor4D, tf.Tensor4D, tf.Tensor4D, tf.Tensor4D];
  const { strides, dilations, pad } = attrs;
  const cotangents = Object.fromEntries(attrs.outputs.map((name, i) => [name, [douts].flat()[i]]));
  const ddx = cotangents.dx as tf.Tensor4D | undefined;
  const ddfilter = cotangents.dfilter as tf.Tensor4D | undefined;
  const ddbias = cotangents.dbias as tf.Tensor1D | undefined;
  const g = activationGradient(dy, y, attrs);
  const linear = { ...attrs, activation: 'linear' as const };

  const dg = (): tf.Tensor => {
    const terms = [
      ddx && conv2d(ddx, filter, null, { strides, dilations, pad }),
      ddfilter && conv2d(x, ddfilter, null, { strides, dilations, pad }),
      ddbias && tf.broadcastTo(ddbias, dy.shape),
    ].filter((term) => term !== undefined);
    return terms.reduce((sum, term) => tf.add(sum, term));
  };
  return {
    dy: () => activationGradient(dg(), y, attrs),
    x: () =>
      ddfilter
        ? conv2dBackprop({ dy: g, x, filter: ddfilter, y }, { ...linear, outputs: ['dx'] }).dx!
        : tf.zerosLike(x),
    filter: () =>
      ddx
        ? conv2dBackprop({ dy: g, x: ddx, filter, y }, { ...linear, outputs: ['dfilter'] }).dfilter!
        : tf.zerosLike(filter),
    y: () => tf.zerosLike(y),
  };
}

export const conv2dGradient: Gradient = {
  inputsToSave: ['x', 'filter'],
  outputsToSave: [true],
  gradFunc: gradientOfConv2D,
};

export const conv2dBackpropGradient: Gradient = {
  inputsToSave: ['dy', 'x', 'filter', 'y'],
  gradFunc: gradientOfBackprop,
};

/** The geometry of a convolution, as tfjs computes it. */
export function convInfo(xShape: number[], filterShape: number[], { strides, dilations, pad }: Conv2DAttributes) {
  type Shape4D = [number, number, number, number];
  return tf.backend_util.computeConv2DInfo(
    xShape as Shape4D,
    filterShape as Shape4D,
    strides,
    dilations,
    pad,
    undefined,
    false,
  );
}
