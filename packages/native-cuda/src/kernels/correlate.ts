/** Correlation of templates with windows, forward and backward. */
import type * as tf from '@tensorflow/tfjs-core';
import { type AddonKernel, float } from '../kernel.ts';

type Shape4D = [number, number, number, number];

function shapeOf(templates: tf.TensorInfo, windows: tf.TensorInfo) {
  const [t, h, v, c] = templates.shape as Shape4D;
  const [w, height, width] = windows.shape as Shape4D;
  return { t, h, v, c, w, height, width };
}

export const CORRELATE: readonly AddonKernel[] = [
  {
    name: 'DoppelCorrelate',
    run(backend, { templates, windows }) {
      const shape = shapeOf(templates!, windows!);
      const { t, h, v, w, height, width } = shape;
      const y = float([t, w, height - h + 1, width - v + 1]);
      return backend.run('correlate', { templates, windows }, { y }, shape)[0]!;
    },
  },
  {
    name: 'DoppelCorrelateBackprop',
    run(backend, { dy, templates, windows }) {
      const outputs = { dtemplates: float(templates!.shape), dwindows: float(windows!.shape) };
      const shape = shapeOf(templates!, windows!);
      return backend.run('correlate_backprop', { dy, templates, windows }, outputs, shape);
    },
  },
];
