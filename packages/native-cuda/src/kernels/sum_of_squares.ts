/** Sum of the squares of many tensors in one call: the tensors xI. */
import { type AddonKernel, float, sizeOf } from '../kernel.ts';

export const SUM_OF_SQUARES: readonly AddonKernel[] = [
  {
    name: 'DoppelSumOfSquares',
    run(backend, inputs, { count }) {
      const x = Array.from({ length: count }, (_, i) => inputs[`x${i}`]!);
      const counts = x.map(({ shape }) => sizeOf(shape));
      return backend.run('sum_of_squares', { x }, { y: float([]) }, { counts })[0]!;
    },
  },
];
