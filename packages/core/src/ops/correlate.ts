/**
 * DoppelCorrelate: each of T templates at every place of each of W windows, the mean over the template's cells of the
 * dot products of their channels: y[t, w, i, j] = 1/(h·v) Σ_{y, x, c} templates[t, y, x, c] · windows[w, i + y, j + x, c].
 */
import * as tf from '@tensorflow/tfjs-core';
import { CONV2D, CONV2D_BACKPROP } from './conv2d.ts';
import { type Gradient, runKernel, runKernelMulti } from './kernel.ts';

export const CORRELATE = 'DoppelCorrelate';
export const CORRELATE_BACKPROP = 'DoppelCorrelateBackprop';

interface Inputs {
  /** [T, h, v, C] */
  templates: tf.Tensor4D;
  /** [W, H, V, C] */
  windows: tf.Tensor4D;
}

interface BackpropInputs extends Inputs {
  /** [T, W, H − h + 1, V − v + 1] */
  dy: tf.Tensor4D;
}

/**
 * Correlation maps of templates [T, h, v, C] with windows [W, H, V, C]: [T, W, H − h + 1, V − v + 1].
 *
 * @throws Error if the channels differ or a template exceeds the windows
 */
export function correlate(templates: tf.Tensor4D, windows: tf.Tensor4D): tf.Tensor4D {
  const [, h, v, c] = templates.shape;
  const [, height, width, channels] = windows.shape;
  if (c !== channels || h > height || v > width) {
    const sides = `templates of ${h}×${v}×${c} and windows of ${height}×${width}×${channels}`;
    throw new Error(`correlate needs templates within the windows and as many channels, found ${sides}`);
  }
  return runKernel(CORRELATE, { templates, windows }, {});
}

/** A valid convolution at stride 1: templates are its filters. */
const ATTRIBUTES = { strides: 1, dilations: 1, pad: 'valid', activation: 'linear', leakyreluAlpha: 0.2 };

/** [T, h, v, C] → [h, v, C, T], divided by h·v. */
function filterOf(templates: tf.Tensor4D): tf.Tensor {
  const [, h, v] = templates.shape;
  return tf.transpose(tf.div(templates, h * v), [1, 2, 3, 0]);
}

export function correlateReference({ templates, windows }: Inputs): tf.Tensor {
  const filter = filterOf(templates);
  return tf.transpose(runKernel(CONV2D, { x: windows, filter }, ATTRIBUTES), [3, 0, 1, 2]);
}

/** Gradients dtemplates and dwindows. */
export function correlateBackpropReference({ dy, templates, windows }: BackpropInputs): tf.Tensor[] {
  const [, h, v] = templates.shape;
  const inputs = { dy: tf.transpose(dy, [1, 2, 3, 0]), x: windows, filter: filterOf(templates), y: dy };
  const attrs = { ...ATTRIBUTES, outputs: ['dx', 'dfilter'] };
  const [dwindows, dfilter] = runKernelMulti(CONV2D_BACKPROP, inputs, attrs);
  return [tf.div(tf.transpose(dfilter!, [3, 0, 1, 2]), h * v), dwindows!];
}

export const correlateGradient: Gradient = {
  inputsToSave: ['templates', 'windows'],
  gradFunc: (dy, [templates, windows]) => {
    const inputs = { dy: dy as tf.Tensor, templates: templates!, windows: windows! };
    const [dtemplates, dwindows] = runKernelMulti(CORRELATE_BACKPROP, inputs, {});
    return { templates: () => dtemplates!, windows: () => dwindows! };
  },
};
