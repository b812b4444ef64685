/**
 * Makes SAR patches with a generator, batch by batch: real patches are encoded once, then moved and decoded any number of
 * times. Made patches are prepared as the matcher's are.
 */

import * as tf from '@tensorflow/tfjs-core';
import { pause } from '../base/pause.ts';
import type { PairList } from '../dataset/dataset.ts';
import { isSameData } from '../dataset/fingerprint.ts';
import type { Split } from '../dataset/patch_pair.ts';
import { NonFiniteError, SplitError, UsageError } from '../errors.ts';
import type { Normalisation } from '../prepare/normalisation.ts';
import { type PatchSource, readPatches, shapeOf, toTensor } from '../prepare/patch_source.ts';
import { preparePatch } from '../prepare/prepared_patches.ts';
import type { GroundMaps } from './grain/speckle.ts';
import { type LatentGenerator, type Latents, meansOf } from './latent.ts';
import { requireSamePreparation } from './made_patches.ts';
import { type Match, matchHistogram, standardiseAgain } from './match_histogram.ts';
import { matchSpeckle } from './match_speckle.ts';
import type { Edit, Remaker, Source } from './remake.ts';

/** Patches that go through the generator at a time. */
export const MAKE_BATCH = 32;

/** Generator with all that a made patch depends on. */
export interface Maker {
  generator: LatentGenerator;
  /** The matcher's. */
  normalisation: Normalisation;
  /** Prepared patches of the data set, by record. */
  patches: PatchSource;
  match: Match;
  /** Default: whole patches. */
  edit?: Edit;
  /** Makes patches of sources, where the generator draws speckle. */
  remaker?: Remaker | undefined;
  signal?: AbortSignal | undefined;
}

/** Codes of a batch of records, and what their patches are made from. */
export interface Encoded {
  latents: Latents;
  /** Sources by position in the batch; absent where the decoder gives whole patches. */
  sources?: Source[] | undefined;
}

/**
 * Refuses a generator that prepares patches in another way than the matcher, or that was trained on the places of validation
 * or test.
 *
 * @returns warnings, for example that the generator was trained on other data. @throws UsageError if side or normalisation
 * differ. @throws SplitError if it was trained on a place that validates or tests here.
 */
export function checkGenerator(generator: LatentGenerator, normalisation: Normalisation, dataset: PairList): string[] {
  const { info } = generator;
  if (info.side !== normalisation.side) {
    throw new UsageError({
      action: 'make patches with this generator',
      expected: `patches of side ${normalisation.side}, as the matcher's`,
      found: `a generator of side ${info.side}`,
      remedy: 'Train a generator on the data set of the matcher.',
    });
  }
  // Drawn on known ground, patches can be prepared anew for any matcher.
  if (!generator.grain) {
    requireSamePreparation(info.normalisation, normalisation, `the generator ${info.fingerprint.slice(0, 12)}…`);
  }
  if (!isSameData(info.trainedOn.dataFingerprint, dataset.fingerprint)) {
    return ['The generator was trained on another data set: whether it saw the ground that is tested on is not known.'];
  }
  const learned = new Set(info.trainedOn.places?.train);
  for (const split of ['validation', 'test'] as const) {
    const seen = placesOf(dataset, split).filter((place) => learned.has(place));
    if (seen.length > 0) throw learnedFrom(split, seen);
  }
  return [];
}

/** Places of a split; none if there is no such split, and so nothing to protect. */
function placesOf(dataset: PairList, split: Split): string[] {
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

/** True SAR patches of records, [n, side, side, 1]. The caller disposes of the tensor. */
async function sarBatch({ patches, normalisation }: Maker, records: readonly number[]): Promise<tf.Tensor4D> {
  return toTensor(await readPatches(patches, 'sar', records), 'sar', shapeOf(normalisation));
}

/** Runs `work` on the latents of records, batch by batch. `start` is the position of the batch among the records. */
export async function forEachEncoded(
  maker: Maker,
  records: readonly number[],
  work: (latents: Latents, batch: readonly number[], start: number, encoded: Encoded) => Promise<void>,
): Promise<void> {
  for (let start = 0; start < records.length; start += MAKE_BATCH) {
    await pause(maker.signal);
    const batch = records.slice(start, start + MAKE_BATCH);
    const encoded = await encode(maker, batch);
    const { latents } = encoded;
    try {
      await work(latents, batch, start, encoded);
    } finally {
      tf.dispose([latents.mu, latents.logvar]);
    }
  }
}

async function encode(maker: Maker, batch: readonly number[]): Promise<Encoded> {
  if (maker.remaker) return maker.remaker.sources(batch);
  const x = await sarBatch(maker, batch);
  const latents = tf.tidy(() => maker.generator.encode(x));
  x.dispose();
  return { latents };
}

/** Means of the codes of records, one Float32Array each. */
export async function codesOf(maker: Maker, records: readonly number[]): Promise<Float32Array[]> {
  const codes: Float32Array[] = [];
  for (let start = 0; start < records.length; start += MAKE_BATCH) {
    await pause(maker.signal);
    const batch = records.slice(start, start + MAKE_BATCH);
    codes.push(...(await (maker.remaker?.codes(batch) ?? meansOf((await encode(maker, batch)).latents))));
  }
  return codes;
}

/**
 * Decodes latent vectors of records into prepared patches, one Float32Array each.
 *
 * @param z [records, latent]. @param encoded the batch that `forEachEncoded` gave. @param draw 0, 1, … of several
 * patches of one record, which differ in their speckle where it is drawn. @throws NonFiniteError if a pixel is not finite.
 * @throws UsageError if patches are to be matched whose speckle is drawn.
 */
export async function decodeFor(
  maker: Maker,
  z: tf.Tensor2D,
  records: readonly number[],
  { sources }: Pick<Encoded, 'sources'>,
  draw: number,
): Promise<Float32Array[]> {
  if (maker.remaker && sources) return remadeFor(maker, maker.remaker, z, sources, draw);
  const decoded = tf.tidy(() => maker.generator.decode(z));
  const data = await decoded.data<'float32'>();
  decoded.dispose();
  const length = data.length / records.length;
  return Promise.all(
    records.map(async (record, i) => {
      const patch = data.slice(i * length, (i + 1) * length);
      if (patch.some((value) => !Number.isFinite(value))) throw notFinite(record);
      return finish(patch, record, maker);
    }),
  );
}

/** Patches of sources with the ground of codes, as the matcher's normalisation prepares them. */
async function remadeFor(
  { generator, normalisation, match, edit = 'whole' }: Maker,
  remaker: Remaker,
  z: tf.Tensor2D,
  sources: readonly Source[],
  draw: number,
): Promise<Float32Array[]> {
  if (match !== 'none') throw notMatched(match);
  const grounds = await generator.grain!.ground(z);
  return sources.map((source, i) => {
    // Before it is prepared: preparing takes what is not finite for missing.
    if (![grounds[i]!, source.ground].every(isFiniteGround)) throw notFinite(source.record);
    return preparePatch(remaker.make(edit, source, grounds[i]!, draw), 'sar', normalisation, 'a made patch');
  });
}

const isFiniteGround = ({ reflectivity, logDeviation }: GroundMaps): boolean =>
  reflectivity.every(Number.isFinite) && logDeviation.every(Number.isFinite);

const notMatched = (match: Match) =>
  new UsageError({
    action: `match the ${match} of made patches to their sources`,
    expected: 'a generator that decodes whole patches',
    found: 'one that decodes the ground, whose speckle is drawn in the style of the source already',
    remedy: 'Leave `match` at none.',
  });

async function finish(patch: Float32Array, record: number, maker: Maker): Promise<Float32Array> {
  const { match, normalisation, patches } = maker;
  if (match === 'none') return standardiseAgain(patch, normalisation);
  const source = await patches.sar(record);
  return matchHistogram(matchSpeckle(patch, source, normalisation.side, record), source);
}

const notFinite = (record: number) =>
  new NonFiniteError({
    action: 'make patches with this generator',
    expected: 'finite pixels',
    found: `NaN or infinite ones for record ${record}`,
    remedy: 'Lower the strength, or train the generator again.',
  });
