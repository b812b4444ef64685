/** Pixel normalisation, forward and backward. */
import type * as tf from '@tensorflow/tfjs-core';
import type { AddonBackend } from '../backend.ts';
import { type AddonKernel, float, rowsOf } from '../kernel.ts';

/** Backward where there is a dy. */
function pixelNorm(backend: AddonBackend, x: tf.TensorInfo, dy: tf.TensorInfo | undefined, epsilon: number) {
  return backend.run('pixel_norm', { x, dy }, { y: float(x.shape) }, rowsOf(x), { epsilon })[0]!;
}

export const PIXEL_NORM: readonly AddonKernel[] = [
  {
    name: 'DoppelPixelNorm',
    run: (backend, { x }, { epsilon, over }) =>
      over === 'sum' ? undefined : pixelNorm(backend, x!, undefined, epsilon),
  },
  {
    name: 'DoppelPixelNormBackprop',
    run: (backend, { dy, x }, { epsilon, over }) => (over === 'sum' ? undefined : pixelNorm(backend, x!, dy!, epsilon)),
  },
];
