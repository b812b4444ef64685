/**
 * How patches become the numbers that a matcher sees. What is decided here from the training split is stored in the
 * checkpoint and applied again at scoring, so that a model never meets pixels prepared otherwise than it was trained on.
 *
 * The order: unit, speckle filter, clipping, standardising. `preparePatch` in to_tensors.ts applies it.
 */
import { z } from 'zod';
import type { Dataset } from '../dataset/dataset.ts';
import { PatchError } from '../errors.ts';
import { UNITS, type Unit } from '../raster/raster.ts';
import { workingSamples } from './working_samples.ts';

export const MODALITIES = ['sar', 'optical'] as const;
export type Modality = (typeof MODALITIES)[number];

/**
 * - `patch`: each patch has mean 0 and standard deviation 1, over all its valid samples
 * - `dataset`: by mean and standard deviation of the training split
 */
const standardise = z.enum(['patch', 'dataset']);

const speckleFilter = z.strictObject({
  kind: z.literal('lee'),
  /** Side of the window in pixels, odd. */
  window: z
    .int()
    .min(3)
    .refine((side) => side % 2 === 1, 'must be odd'),
  /** Equivalent number of looks of the patches. */
  looks: z.number().positive(),
});

/** Values are limited to this range, in the working unit. */
const clip = z
  .strictObject({ low: z.number(), high: z.number() })
  .refine(({ low, high }) => low < high, 'low must be below high')
  .nullable();

/** Of the training split, after clipping. Present where patches are standardised by them. */
const statistics = { mean: z.number().optional(), std: z.number().positive().optional() };

const hasStatistics = (spec: { standardise: string; mean?: number | undefined; std?: number | undefined }) =>
  spec.standardise === 'patch' || (spec.mean !== undefined && spec.std !== undefined);

export const normalisationSchema = z.strictObject({
  version: z.literal(1),
  /** Width and height of a patch, in pixels. */
  side: z.int().positive(),
  sar: z
    .strictObject({
      /** Of the training patches. Images that do not say what their samples are (digital numbers) are taken to be the same. */
      source: z.enum(UNITS),
      /** That samples are converted to before all else. */
      unit: z.enum(UNITS),
      bands: z.literal(1),
      speckleFilter: speckleFilter.nullable(),
      ...{ clip, standardise, ...statistics },
    })
    .refine(hasStatistics, 'standardise "dataset" needs mean and std'),
  optical: z
    .strictObject({
      /** `gray`: luma of red, green and blue, or the only band. */
      bands: z.enum(['gray', 'rgb']),
      ...{ clip, standardise, ...statistics },
    })
    .refine(hasStatistics, 'standardise "dataset" needs mean and std'),
});
export type Normalisation = z.infer<typeof normalisationSchema>;

const percentile = z.number().min(0).max(100);
const clipPercentiles = z
  .tuple([percentile, percentile])
  .refine(([low, high]) => low < high, 'the first must be below the second')
  .nullable()
  .default([0.5, 99.5]);

/** What a user decides; the rest is measured on the training split. */
export const normalisationOptionsSchema = z.strictObject({
  sar: z
    .strictObject({
      /** Working unit. Default: dB for intensity, else the unit of the patches. */
      unit: z.enum(UNITS).optional(),
      speckleFilter: speckleFilter.nullable().default(null),
      /** Percentiles of the training split's samples to clip to; null: no clipping. */
      clipPercentiles,
      standardise: standardise.default('patch'),
    })
    .prefault({}),
  optical: z
    .strictObject({
      bands: z.enum(['gray', 'rgb']).default('gray'),
      clipPercentiles,
      standardise: standardise.default('patch'),
    })
    .prefault({}),
});
export type NormalisationOptions = z.infer<typeof normalisationOptionsSchema>;

/** At most so many patches, evenly spread over the split, and so many of their samples are measured. */
const PATCHES = 1024;
const SAMPLES = 2 ** 22;
const READ_AT_ONCE = 16;

/**
 * Measures the records of the training split.
 *
 * @throws PatchError where a patch cannot be used, or all samples are the same.
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
  const all = new Float32Array(parts.reduce((sum, { length }) => sum + length, 0));
  parts.reduce((offset, part) => {
    all.set(part, offset);
    return offset + part.length;
  }, 0);
  return all;
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
  const range = percentiles && { low: quantile(sorted, percentiles[0]), high: quantile(sorted, percentiles[1]) };
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

/** By linear interpolation. @param percent in [0, 100] */
export function quantile(sorted: ArrayLike<number>, percent: number): number {
  const position = (percent / 100) * (sorted.length - 1);
  const below = Math.floor(position);
  const low = sorted[below] ?? Number.NaN;
  const high = sorted[below + 1] ?? low;
  return low + (high - low) * (position - below);
}

/** Mean and standard deviation (of the samples, not of a larger population) of those that are finite. */
export function momentsOf(values: ArrayLike<number>): { mean: number; std: number; count: number } {
  let [count, sum] = [0, 0];
  for (let i = 0; i < values.length; i++) {
    const value = values[i]!;
    if (!Number.isFinite(value)) continue;
    count++;
    sum += value;
  }
  const mean = sum / count;
  let squares = 0;
  for (let i = 0; i < values.length; i++) {
    const value = values[i]!;
    if (Number.isFinite(value)) squares += (value - mean) ** 2;
  }
  return { mean, std: Math.sqrt(squares / count), count };
}
