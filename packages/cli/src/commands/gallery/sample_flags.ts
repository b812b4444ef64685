/** Flags that say what the samples of scenes are, where files do not: those of imports. */
import type { Values } from '../../flags.ts';
import { SAMPLE_FLAGS } from '../data/import_flags.ts';

const { sarBand, opticalBands } = SAMPLE_FLAGS;
export const BAND_FLAGS = { sarBand, opticalBands };

/** Bands of a sensor, counted from 0. */
export function bandsOf(given: Values<typeof BAND_FLAGS>, sensor: 'sar' | 'optical'): readonly number[] | undefined {
  if (sensor === 'optical') return given.opticalBands;
  return given.sarBand === undefined ? undefined : [given.sarBand];
}
