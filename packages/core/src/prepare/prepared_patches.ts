/**
 * The one door from pixels to numbers: what the normalisation of a checkpoint says, and nothing else. `patch_source.ts` makes
 * tensors of them.
 */
import { momentsOf } from '../base/moments.ts';
import type { Dataset } from '../dataset/dataset.ts';
import type { Raster } from '../raster/raster.ts';
import type { Modality, Normalisation } from './normalisation.ts';
import { type PatchSource, shapeOf, sizeOf } from './patch_source.ts';
import { workingSamples } from './working_samples.ts';

/** Share of the mean below which a standard deviation is rounding: the patch is flat, and standardised to zeros. */
export const FLAT = 1e-6;

/**
 * Prepares a patch: [side, side, bands], standardised; missing samples are 0, the mean.
 *
 * @param where names the patch in messages.
 * @throws PatchError if size, bands or unit differ from what the model was trained on, or no sample is valid.
 */
export function preparePatch(
  raster: Raster,
  modality: Modality,
  normalisation: Normalisation,
  where: string,
): Float32Array {
  const { [modality]: spec } = normalisation;
  return standardised(clipped(workingSamples(raster, modality, normalisation, where), spec), spec);
}

/** Limits samples in place. */
export function clipped(samples: Float32Array, { clip }: Pick<Normalisation['optical'], 'clip'>): Float32Array {
  if (clip) {
    for (let i = 0; i < samples.length; i++) samples[i] = Math.min(Math.max(samples[i]!, clip.low), clip.high);
  }
  return samples;
}

/** Brings samples to mean 0 and standard deviation 1 in place; missing ones become 0. */
export function standardised(
  samples: Float32Array,
  { standardise, mean, std }: Pick<Normalisation['optical'], 'standardise' | 'mean' | 'std'>,
): Float32Array {
  const { mean: centre, std: spread } = standardise === 'patch' ? momentsOf(samples) : { mean: mean!, std: std! };
  const scale = spread > FLAT * Math.abs(centre) ? 1 / spread : 0;
  for (let i = 0; i < samples.length; i++) {
    const value = (samples[i]! - centre) * scale;
    samples[i] = Number.isFinite(value) ? value : 0;
  }
  return samples;
}

/** The part of a data set that patches are read from. */
export type PatchFiles = Pick<Dataset, 'records' | 'readSar' | 'readOptical'>;

const CACHE_BYTES = 512 * 2 ** 20;

/**
 * The prepared patches of a data set, kept in memory up to `maxBytes`. A patch that is kept stays: patches are needed in
 * rounds over a whole split or at random, and dropping the oldest would drop the next one needed.
 */
export class PatchCache implements PatchSource {
  private readonly dataset: PatchFiles;
  private readonly normalisation: Normalisation;
  private readonly patches: Record<Modality, Map<number, Promise<Float32Array>>> = {
    sar: new Map(),
    optical: new Map(),
  };
  private room: number;

  constructor(
    dataset: PatchFiles,
    normalisation: Normalisation,
    { maxBytes = CACHE_BYTES }: { maxBytes?: number } = {},
  ) {
    this.dataset = dataset;
    this.normalisation = normalisation;
    this.room = maxBytes;
  }

  /** [side, side, 1]; not to be changed. @throws FileError, FormatError or PatchError if it cannot be used. */
  sar(index: number): Promise<Float32Array> {
    return this.get('sar', index);
  }

  /** [side, side, 1 or 3]; not to be changed. @throws as `sar`. */
  optical(index: number): Promise<Float32Array> {
    return this.get('optical', index);
  }

  private get(modality: Modality, index: number): Promise<Float32Array> {
    const kept = this.patches[modality].get(index);
    if (kept) return kept;
    const patch = this.prepare(modality, index);
    const [height, width, bands] = sizeOf(shapeOf(this.normalisation), modality);
    const bytes = height * width * bands * Float32Array.BYTES_PER_ELEMENT;
    if (bytes > this.room) return patch;
    this.room -= bytes;
    this.patches[modality].set(index, patch);
    // A file that could not be read may be there the next time.
    patch.catch(() => {
      this.patches[modality].delete(index);
      this.room += bytes;
    });
    return patch;
  }

  private async prepare(modality: Modality, index: number): Promise<Float32Array> {
    const raster = await (modality === 'sar' ? this.dataset.readSar(index) : this.dataset.readOptical(index));
    return preparePatch(raster, modality, this.normalisation, this.dataset.records[index]?.[modality] ?? '');
  }
}
