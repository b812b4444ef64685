/**
 * The only place where pixels become numbers for a matcher: what the normalisation of a checkpoint says, and nothing
 * else.
 */
import * as tf from '@tensorflow/tfjs-core';
import type { Dataset } from '../dataset/dataset.ts';
import type { Raster } from '../raster/raster.ts';
import { type Modality, momentsOf, type Normalisation } from './normalisation.ts';
import { workingSamples } from './working_samples.ts';

/** Below this share of the mean, a standard deviation is rounding: the patch is flat, and standardised to zeros. */
const FLAT = 1e-6;

export function channelsOf(modality: Modality, { optical }: Normalisation): 1 | 3 {
  return modality === 'optical' && optical.bands === 'rgb' ? 3 : 1;
}

/**
 * [side, side, channels], standardised; missing samples are 0, the mean.
 *
 * @param where names the patch in messages.
 * @throws PatchError where size, bands or unit are not what the model was trained on, or nothing in the patch is valid.
 */
export function preparePatch(
  raster: Raster,
  modality: Modality,
  normalisation: Normalisation,
  where: string,
): Float32Array {
  const samples = workingSamples(raster, modality, normalisation, where);
  const { clip, standardise, mean, std } = normalisation[modality];
  if (clip) {
    for (let i = 0; i < samples.length; i++) samples[i] = Math.min(Math.max(samples[i]!, clip.low), clip.high);
  }
  const { mean: centre, std: spread } = standardise === 'patch' ? momentsOf(samples) : { mean: mean!, std: std! };
  const scale = spread > FLAT * Math.abs(centre) ? 1 / spread : 0;
  for (let i = 0; i < samples.length; i++) {
    const value = (samples[i]! - centre) * scale;
    samples[i] = Number.isFinite(value) ? value : 0;
  }
  return samples;
}

export interface PatchTensors {
  /** [N, side, side, 1] */
  sar: tf.Tensor4D;
  /** [N, side, side, 1 or 3] */
  optical: tf.Tensor4D;
}

/** The caller disposes of the tensors. @throws PatchError as `preparePatch`, which names the position of the pair. */
export function toTensors(
  pairs: readonly { sar: Raster; optical: Raster }[],
  normalisation: Normalisation,
): PatchTensors {
  const { side } = normalisation;
  const stack = (modality: Modality) => {
    const channels = channelsOf(modality, normalisation);
    const size = side * side * channels;
    const all = new Float32Array(pairs.length * size);
    pairs.forEach((pair, i) => {
      all.set(preparePatch(pair[modality], modality, normalisation, `${modality} of pair ${i + 1}`), i * size);
    });
    return tf.tensor4d(all, [pairs.length, side, side, channels]);
  };
  const sar = stack('sar');
  try {
    return { sar, optical: stack('optical') };
  } catch (error) {
    sar.dispose();
    throw error;
  }
}

const CACHE_BYTES = 512 * 2 ** 20;

/**
 * Prepared patches by index of their record, kept up to so many bytes. Nothing leaves once it is in: patches are needed
 * in rounds over a whole split or at random, where turning out the oldest would turn out the next one needed.
 */
export class PatchCache {
  private readonly dataset: Pick<Dataset, 'records' | 'readSar' | 'readOptical'>;
  private readonly normalisation: Normalisation;
  private readonly patches: Record<Modality, Map<number, Promise<Float32Array>>> = {
    sar: new Map(),
    optical: new Map(),
  };
  private room: number;

  constructor(
    dataset: Pick<Dataset, 'records' | 'readSar' | 'readOptical'>,
    normalisation: Normalisation,
    { maxBytes = CACHE_BYTES }: { maxBytes?: number } = {},
  ) {
    this.dataset = dataset;
    this.normalisation = normalisation;
    this.room = maxBytes;
  }

  /** [side, side, 1]; not to be changed. @throws FileError, FormatError or PatchError where it cannot be used. */
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
    const { side } = this.normalisation;
    const bytes = side * side * channelsOf(modality, this.normalisation) * Float32Array.BYTES_PER_ELEMENT;
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
