/**
 * Shapes of the statistics of speckle that a `spatial` generator holds: they are measured once the networks are
 * trained, not learned by gradients. speckle.ts measures and draws.
 */
import * as tf from '@tensorflow/tfjs-core';
import { normalQuantiles } from './normal_quantiles.ts';

/** Principal components of log spectra that are kept. */
export const COMPONENTS = 8;
/** Points of the table of quantiles, at standard normal values from −3.5 to 3.5. */
export const QUANTILES = 201;
export const REACH = 3.5;

/** Side of the windows whose spectrum is taken: a power of 2, at most 32. */
export const spectrumSide = (side: number): number => 2 ** Math.min(5, Math.floor(Math.log2(side)));

/** Frequencies 0, 1/w … 1/2 along each axis: spectra are taken as symmetric along both. */
export const frequenciesOf = (side: number): number => spectrumSide(side) / 2 + 1;

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
  layer === 'quantiles' ? tf.tensor1d(normalQuantiles(shape[0]!, REACH)) : tf.zeros(shape);
