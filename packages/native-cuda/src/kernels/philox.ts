/** Random numbers of Philox, by seed and offset. */
import { type AddonKernel, float, sizeOf } from '../kernel.ts';

export const PHILOX: readonly AddonKernel[] = [
  {
    name: 'DoppelPhilox',
    run(backend, _, { shape, seed, offset, distribution }) {
      const attrs = { count: sizeOf(shape), seed, offset, normal: distribution === 'normal' };
      return backend.run('philox', {}, { y: float(shape) }, attrs)[0]!;
    },
  },
];
