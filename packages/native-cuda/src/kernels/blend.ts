/** Weighted sums of many pairs of tensors in one call: of each the tensors aI and bI. */
import { type AddonKernel, float, sizeOf } from '../kernel.ts';

export const BLEND: readonly AddonKernel[] = [
  {
    name: 'DoppelBlend',
    run(backend, inputs, { count, alpha, beta }) {
      const all = (letter: string) => Array.from({ length: count }, (_, i) => inputs[letter + i]!);
      const a = all('a');
      const y = a.map(({ shape }) => float(shape));
      const counts = a.map(({ shape }) => sizeOf(shape));
      return backend.run('blend', { a, b: all('b') }, { y }, { counts, alpha, beta });
    },
  },
];
