/**
 * Converts prepared samples back to the SAR unit, as far as the normalisation can be inverted.
 *
 * Where patches are standardised by the mean and deviation of the data set, it can. Where each is standardised by its
 * own, brightness and contrast are gone, and a generator never learned them: all patches, real ones too, are then given
 * the same *typical* scale, the medians of the means and of the deviations of training patches. What is compared is how
 * values are spread within patches; that made patches are as bright, or as rich in contrast, as real ones is not shown.
 */

import { momentsOf } from '../../base/moments.ts';
import { quantile } from '../../base/quantile.ts';
import type { Dataset } from '../../dataset/dataset.ts';
import type { Normalisation } from '../../prepare/normalisation.ts';
import { workingSamples } from '../../prepare/working_samples.ts';
import type { Raster, Unit } from '../../raster/raster.ts';
import { isRadarUnit } from '../../raster/units.ts';

export interface SarScale {
  /** `known`: that of the data set; `typical`: the same for all patches, since each was standardised by its own. */
  kind: 'known' | 'typical';
  /** Working unit of the normalisation. */
  unit: Unit;
  mean: number;
  std: number;
  /** Values beyond are moved to these, as clipping did to real ones; an amplitude or intensity must be above 0. */
  low: number;
  high: number;
}

/** Training patches that a typical scale is measured on. */
const PATCHES = 512;

/** @param train records of the training split. @throws PatchError where a patch cannot be used. */
export async function sarScale(
  dataset: Pick<Dataset, 'records' | 'readSar'>,
  train: readonly number[],
  normalisation: Normalisation,
): Promise<SarScale> {
  const { unit, clip, standardise, mean, std } = normalisation.sar;
  const mustBePositive = unit === 'amplitude' || unit === 'intensity';
  const [means, deviations]: [number[], number[]] = [[], []];
  let smallest = Number.POSITIVE_INFINITY;
  for (const index of spread(train, PATCHES)) {
    const samples = workingSamples(await dataset.readSar(index), 'sar', normalisation, dataset.records[index]!.sar);
    for (let i = 0; i < samples.length; i++) {
      if (clip) samples[i] = Math.min(Math.max(samples[i]!, clip.low), clip.high);
      if (samples[i]! > 0 && samples[i]! < smallest) smallest = samples[i]!;
    }
    const moments = momentsOf(samples);
    means.push(moments.mean);
    deviations.push(moments.std);
  }
  const lowest = clip?.low ?? Number.NEGATIVE_INFINITY;
  const floor = mustBePositive && !(lowest > 0) ? smallest : lowest;
  if (standardise === 'dataset') {
    const high = clip?.high ?? Number.POSITIVE_INFINITY;
    return { kind: 'known', unit, mean: mean!, std: std!, low: floor, high };
  }
  return {
    ...{ kind: 'typical', unit, mean: median(means), std: median(deviations), high: Number.POSITIVE_INFINITY },
    low: mustBePositive ? floor : Number.NEGATIVE_INFINITY,
  };
}

/** dB for radar units, else the unit itself. */
export const shownUnit = ({ unit }: SarScale): Unit => (isRadarUnit(unit) ? 'dB' : unit);

/** Prepared samples in the shown unit. */
export function shownValues(prepared: Float32Array, scale: SarScale): Float32Array {
  const factor = { amplitude: 20, intensity: 10 }[scale.unit as string];
  const values = workingValues(prepared, scale);
  return factor === undefined ? values : values.map((value) => factor * Math.log10(value));
}

/** Prepared samples of a patch as a raster in the working unit. */
export function asRaster(prepared: Float32Array, side: number, scale: SarScale): Raster {
  return { data: workingValues(prepared, scale), width: side, height: side, bands: 1, unit: scale.unit };
}

const workingValues = (prepared: Float32Array, { mean, std, low, high }: SarScale): Float32Array =>
  prepared.map((value) => Math.min(Math.max(mean + std * value, low), high));

const median = (values: readonly number[]) =>
  quantile(
    [...values].sort((a, b) => a - b),
    0.5,
  );

function spread<T>(items: readonly T[], count: number): T[] {
  const taken = Math.min(count, items.length);
  return Array.from({ length: taken }, (_, k) => items[Math.floor((k * items.length) / taken)]!);
}
