/** Tensors of the statistics of speckle in a `spatial` generator: measured once the networks are trained. */
import * as tf from '@tensorflow/tfjs-core';
import type { Values } from '../../../runs/values.ts';
import { COMPONENTS, normalPoints, QUANTILES, type SpeckleStatistics } from '../../grain/speckle.ts';
import { frequenciesOf } from '../../grain/spectrum.ts';

export function speckleLayers({ side }: { side: number }): [string, number[]][] {
  const frequencies = frequenciesOf(side);
  return [
    ['mean', [frequencies, frequencies]],
    ['components', [COMPONENTS, frequencies, frequencies]],
    ['quantiles', [QUANTILES]],
  ];
}

/** White Gaussian noise: what a generator draws before anything was measured. */
export const freshSpeckle = (layer: string, shape: number[]): tf.Tensor =>
  layer === 'quantiles' ? tf.tensor1d(normalPoints()) : tf.zeros(shape);

/** Takes statistics over into a generator's variables. */
export function assignSpeckle(variables: ReadonlyMap<string, tf.Variable>, statistics: SpeckleStatistics): void {
  tf.tidy(() => {
    for (const [layer, values] of Object.entries(statistics)) {
      const variable = variables.get(`speckle.${layer}`)!;
      variable.assign(tf.tensor(values as Float32Array, variable.shape));
    }
  });
}

/** Statistics in a checkpoint; undefined where they are those of `freshSpeckle`. */
export function speckleIn(tensors: ReadonlyMap<string, Values>): SpeckleStatistics | undefined {
  const values = (layer: string) => Float32Array.from(tensors.get(`speckle.${layer}`)!.data);
  const statistics = { mean: values('mean'), components: values('components'), quantiles: values('quantiles') };
  return statistics.components.every((value) => value === 0) ? undefined : statistics;
}
