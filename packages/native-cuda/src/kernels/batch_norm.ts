/** Batch normalisation: with the batch's own statistics, forward and backward, and with given ones. */
import { type AddonKernel, type Attributes, float, rowsOf, sizeOf } from '../kernel.ts';

/** The activation's attributes, by which the addon fuses it. */
const fused = ({ epsilon, activation, leakyreluAlpha }: Attributes) => ({ epsilon, activation, leakyreluAlpha });

export const BATCH_NORM: readonly AddonKernel[] = [
  {
    name: 'DoppelBatchNorm',
    run(backend, { x, gamma, beta }, attrs) {
      const channels = float([x!.shape.at(-1)!]);
      const outputs = { y: float(x!.shape), mean: channels, variance: channels };
      return backend.run('batch_norm', { x, gamma, beta }, outputs, rowsOf(x!), fused(attrs));
    },
  },
  {
    name: 'FusedBatchNorm',
    run(backend, { x, scale, offset, mean, variance }, { varianceEpsilon }) {
      const channels = x!.shape.at(-1)!;
      const given = [mean, variance, scale, offset].filter((each) => each !== undefined && each !== null);
      if (x!.dtype !== 'float32' || given.some((each) => sizeOf(each.shape) !== channels)) return undefined;
      const inputs = { x, gamma: scale, beta: offset, mean, variance };
      const outputs = { y: float(x!.shape) };
      return backend.run('batch_norm_inference', inputs, outputs, rowsOf(x!), { epsilon: varianceEpsilon })[0]!;
    },
  },
  {
    name: 'DoppelBatchNormBackprop',
    run(backend, { dy, x, gamma, beta, mean, variance }, attrs) {
      const channels = float([x!.shape.at(-1)!]);
      const inputs = { dy, x, gamma, beta, mean, variance };
      const outputs = { dx: float(x!.shape), dgamma: channels, dbeta: channels };
      return backend.run('batch_norm_backprop', inputs, outputs, rowsOf(x!), fused(attrs));
    },
  },
];
