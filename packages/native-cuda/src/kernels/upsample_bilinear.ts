/** Bilinear up-sampling, forward and backward. */
import type { AddonKernel } from '../kernel.ts';
import { float } from '../kernel.ts';

type Shape4D = [number, number, number, number];

export const UPSAMPLE_BILINEAR: readonly AddonKernel[] = [
  {
    name: 'DoppelUpsampleBilinear',
    run(backend, { x }, { size }) {
      const [n, h, w, c] = x!.shape as Shape4D;
      const [oh, ow] = size as [number, number];
      const attrs = { n, h, w, c, oh, ow, gradient: false };
      return backend.run('upsample_bilinear', { x }, { y: float([n, oh, ow, c]) }, attrs)[0]!;
    },
  },
  {
    name: 'DoppelUpsampleBilinearBackprop',
    run(backend, { dy }, { inputSize }) {
      const [n, oh, ow, c] = dy!.shape as Shape4D;
      const [h, w] = inputSize as [number, number];
      const attrs = { n, h, w, c, oh, ow, gradient: true };
      return backend.run('upsample_bilinear', { x: dy }, { y: float([n, h, w, c]) }, attrs)[0]!;
    },
  },
];
