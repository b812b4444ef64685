/** Pixel normalisation and unit cells, forward and backward. */
import type * as tf from '@tensorflow/tfjs-core';
import type { AddonBackend } from '../backend.ts';
import { type AddonKernel, type Attributes, float, rowsOf } from '../kernel.ts';

/** Backward where there is a dy. */
function pixelNorm(backend: AddonBackend, x: tf.TensorInfo, dy: tf.TensorInfo | undefined, attrs: Attributes) {
  const { epsilon, over } = attrs;
  const rows = rowsOf(x);
  const weight = over === 'mean' ? 1 / rows.channels : 1;
  return backend.run('pixel_norm', { x, dy }, { y: float(x.shape) }, rows, { epsilon, weight })[0]!;
}

export const PIXEL_NORM: readonly AddonKernel[] = [
  { name: 'DoppelPixelNorm', run: (backend, { x }, attrs) => pixelNorm(backend, x!, undefined, attrs) },
  { name: 'DoppelPixelNormBackprop', run: (backend, { dy, x }, attrs) => pixelNorm(backend, x!, dy!, attrs) },
];
