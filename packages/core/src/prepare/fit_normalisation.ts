/** Measures a normalisation on the training split: percentiles to clip to, mean and standard deviation. */
import { z } from 'zod';
import { concatenate } from '../base/concatenate.ts';
import { momentsOf } from '../base/moments.ts';
import { quantile } from '../base/quantile.ts';
import type { Dataset } from '../dataset/dataset.ts';
import { PatchError } from '../errors.ts';
import { UNITS, type Unit } from '../raster/raster.ts';
import { type Modality, type Normalisation, speckleFilterSchema, standardiseSchema } from './normalisation.ts';
import { workingSamples } from './working_samples.ts';

const percentile = z.number().min(0).max(100);
const clipPercentiles = z
  .tuple([percentile, percentile])
  .refine(([low, high]) => low < high, 'the first must be below the second')
  .nullable()
  .default([0.5, 99.5]);

/** Choices of the user; the rest is measured on the training split. */
export const normalisationOptionsSchema = z.strictObject({
  sar: z
    .strictObject({
      /** Working unit. Default: dB for intensity, else the unit of the patches. */
      unit: z.enum(UNITS).optional(),
      speckleFilter: speckleFilterSchema.nullable().default(null),
      /** Percentiles of the training split's samples to clip to; null: no clipping. */
      clipPercentiles,
      standardise: standardiseSchema.default('patch'),
    })
    .prefault({}),
  optical: z
    .strictObject({
      bands: z.enum(['gray', 'rgb']).default('gray'),
      clipPercentiles,
      standardise: standardiseSchema.default('patch'),
    })
    .prefault({}),
});
export type NormalisationOptions = z.infer<typeof normalisationOptionsSchema>;

/** Patches, evenly spread over the split, and samples of them that are measured at most. */
const PATCHES = 1024;
const SAMPLES = 2 ** 22;
const READ_AT_ONCE = 16;

/**
 * Measures the records of the training split.
 *
 * @throws PatchError if a patch cannot be used, or all samples are the same.
 */
export async function fitNormalisation(
  dataset: Dataset,
  indices: readonly number[],
  options: NormalisationOptions,
): Promise<Normalisation> {
  const { side, sar } = dataset.header;
  const base: Normalisation = {
    version: 1,
    side,
    sar: {
      source: sar.unit,
      unit: options.sar.unit ?? workingUnitOf(sar.unit),
      bands: 1,
      speckleFilter: options.sar.speckleFilter,
      clip: null,
      standardise: 'patch',
    },
    optical: { bands: options.optical.bands, clip: null, standardise: 'patch' },
  };
  const measured = async (modality: Modality) =>
    measure(await sampleOf(dataset, indices, modality, base), modality, options);
  return {
    ...base,
    sar: { ...base.sar, ...(await measured('sar')) },
    optical: { ...base.optical, ...(await measured('optical')) },
  };
}

/** Intensity spans orders of magnitude; the logarithm makes its speckle additive. */
const workingUnitOf = (unit: Unit): Unit => (unit === 'intensity' ? 'dB' : unit);

/** Valid samples of patches that are spread over the records, unsorted. */
async function sampleOf(
  dataset: Dataset,
  indices: readonly number[],
  modality: Modality,
  normalisation: Normalisation,
): Promise<Float32Array> {
  const chosen = spread(indices, PATCHES);
  const room = Math.max(1, Math.floor(SAMPLES / Math.max(1, chosen.length)));
  const parts: Float32Array[] = [];
  for (let start = 0; start < chosen.length; start += READ_AT_ONCE) {
    const read = async (index: number) => {
      const raster = await (modality === 'sar' ? dataset.readSar(index) : dataset.readOptical(index));
      const where = dataset.records[index]?.[modality] ?? '';
      const samples = workingSamples(raster, modality, normalisation, where).filter(Number.isFinite);
      return samples.length <= room ? samples : Float32Array.from(spread(samples, room));
    };
    parts.push(...(await Promise.all(chosen.slice(start, start + READ_AT_ONCE).map(read))));
  }
  return concatenate(parts);
}

function spread<T>(items: ArrayLike<T>, count: number): T[] {
  const taken = Math.min(count, items.length);
  return Array.from({ length: taken }, (_, k) => items[Math.floor((k * items.length) / taken)]!);
}

function measure(
  samples: Float32Array,
  modality: Modality,
  options: NormalisationOptions,
): Pick<Normalisation['optical'], 'clip' | 'standardise' | 'mean' | 'std'> {
  const { clipPercentiles: percentiles, standardise: by } = options[modality];
  const sorted = samples.sort();
  const range = percentiles && {
    low: quantile(sorted, percentiles[0] / 100),
    high: quantile(sorted, percentiles[1] / 100),
  };
  if (range && range.low >= range.high) throw noContrast(modality, percentiles, range.low);
  if (by === 'patch') return { clip: range, standardise: by };
  const limited = range ? sorted.map((value) => Math.min(Math.max(value, range.low), range.high)) : sorted;
  const { mean, std } = momentsOf(limited);
  if (!(std > 0)) throw noContrast(modality, percentiles, mean);
  return { clip: range, standardise: by, mean, std };
}

function noContrast(modality: Modality, percentiles: readonly number[] | null, value: number): PatchError {
  return new PatchError({
    action: `fit the normalisation of the ${modality === 'sar' ? 'SAR' : 'optical'} patches`,
    expected: `different values${percentiles ? ` between the percentiles ${percentiles.join(' and ')}` : ''} in the training split`,
    found: `${value} everywhere`,
    remedy: 'See `doppel data inspect`; widen clipPercentiles, or leave clipping out (null).',
  });
}
