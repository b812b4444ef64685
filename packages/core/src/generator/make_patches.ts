/**
 * Makes SAR patches with a generator, batch by batch: real patches are encoded once, then moved and decoded as often as
 * wanted. What comes out is prepared as the matcher's patches are.
 */
import * as tf from '@tensorflow/tfjs-core';
import { pause } from '../base/pause.ts';
import type { Split } from '../dataset/patch_pair.ts';
import { NonFiniteError, SplitError, UsageError } from '../errors.ts';
import type { Normalisation } from '../prepare/normalisation.ts';
import type { PatchSource } from '../prepare/patch_source.ts';
import type { LatentGenerator } from './latent.ts';
import { requireSamePreparation } from './made_patches.ts';
import { type Match, matchHistogram, standardiseAgain } from './match_histogram.ts';
import { matchSpeckle } from './match_speckle.ts';

/** Patches that go through the generator at a time. */
export const MAKE_BATCH = 32;

export interface MakerTask {
  generator: LatentGenerator;
  /** Of the matcher. */
  normalisation: Normalisation;
  /** Prepared patches of the data set, by record. */
  patches: PatchSource;
  match: Match;
  signal?: AbortSignal | undefined;
}

/** What must be known of a data set to hold a generator against it; `Dataset` has it. */
export interface MadeFrom {
  fingerprint: string;
  folder: string;
  records: readonly { group: string }[];
  indicesOf(split: Split): number[];
}

/**
 * A generator must make patches as the matcher wants them, and must not have learned from what is tested on.
 *
 * @returns what a user must know, such as a generator of other data. @throws UsageError where side or normalisation differ. @throws SplitError where it was trained on a place that validates
 * or tests here.
 */
export function checkGenerator(generator: LatentGenerator, normalisation: Normalisation, dataset: MadeFrom): string[] {
  const { info } = generator;
  if (info.side !== normalisation.side) {
    throw new UsageError({
      action: 'make patches with this generator',
      expected: `patches of side ${normalisation.side}, as the matcher's`,
      found: `a generator of side ${info.side}`,
      remedy: 'Train a generator on the data set of the matcher.',
    });
  }
  requireSamePreparation(info.normalisation, normalisation, `the generator ${info.fingerprint.slice(0, 12)}…`);
  if (info.trainedOn.dataFingerprint !== dataset.fingerprint) {
    return ['The generator was trained on another data set: whether it saw the ground that is tested on is not known.'];
  }
  const learned = new Set(info.trainedOn.places?.train);
  for (const split of ['validation', 'test'] as const) {
    const seen = placesOf(dataset, split).filter((place) => learned.has(place));
    if (seen.length > 0) throw learnedFrom(split, seen);
  }
  return [];
}

/** Of a split; none where there is no such split, and so nothing to protect. */
function placesOf(dataset: MadeFrom, split: Split): string[] {
  try {
    return [...new Set(dataset.indicesOf(split).map((index) => dataset.records[index]!.group))];
  } catch (error) {
    if (error instanceof SplitError) return [];
    throw error;
  }
}

const learnedFrom = (split: Split, seen: readonly string[]) =>
  new SplitError({
    action: 'make patches with this generator',
    expected: `a generator that never saw the ${split} split`,
    found: `one that was trained on ${seen.length} of its places (${seen.slice(0, 5).join(', ')})`,
    remedy: 'Train it again with the present split file.',
  });

/** The true SAR patches of some records, [n, side, side, 1]. The caller disposes of it. */
export async function sarBatch(
  { patches, normalisation }: MakerTask,
  records: readonly number[],
): Promise<tf.Tensor4D> {
  const { side } = normalisation;
  const all = new Float32Array(records.length * side * side);
  const prepared = await Promise.all(records.map((record) => patches.sar(record)));
  prepared.forEach((patch, i) => {
    all.set(patch, i * side * side);
  });
  return tf.tensor4d(all, [records.length, side, side, 1]);
}

/** Runs `work` on the latents of the records, batch by batch, with the position of the first record. */
export async function forEachEncoded(
  task: MakerTask,
  records: readonly number[],
  work: (latents: { mu: tf.Tensor2D; logvar: tf.Tensor2D }, batch: readonly number[], start: number) => Promise<void>,
): Promise<void> {
  for (let start = 0; start < records.length; start += MAKE_BATCH) {
    await pause(task.signal);
    const batch = records.slice(start, start + MAKE_BATCH);
    const x = await sarBatch(task, batch);
    const latents = tf.tidy(() => task.generator.encode(x));
    x.dispose();
    try {
      await work(latents, batch, start);
    } finally {
      tf.dispose([latents.mu, latents.logvar]);
    }
  }
}

/**
 * Decodes latent vectors of records into prepared patches, one Float32Array each.
 *
 * @param z [records, latent]. @throws NonFiniteError where the generator gives no usable pixels.
 */
export async function decodeFor(task: MakerTask, z: tf.Tensor2D, records: readonly number[]): Promise<Float32Array[]> {
  const decoded = tf.tidy(() => task.generator.decode(z));
  const data = await decoded.data<'float32'>();
  decoded.dispose();
  const length = data.length / records.length;
  return Promise.all(
    records.map(async (record, i) => {
      const patch = data.slice(i * length, (i + 1) * length);
      if (patch.some((value) => !Number.isFinite(value))) throw notFinite(record);
      return finish(patch, record, task);
    }),
  );
}

async function finish(patch: Float32Array, record: number, task: MakerTask): Promise<Float32Array> {
  if (task.match === 'none') return standardiseAgain(patch, task.normalisation);
  const source = await task.patches.sar(record);
  const speckled = task.match === 'speckle' ? matchSpeckle(patch, source, task.normalisation.side, record) : patch;
  return matchHistogram(speckled, source);
}

const notFinite = (record: number) =>
  new NonFiniteError({
    action: 'make patches with this generator',
    expected: 'finite pixels',
    found: `NaN or infinite ones for record ${record}`,
    remedy: 'Lower the strength, or train the generator again.',
  });
