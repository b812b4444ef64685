/**
 * A trained matcher, ready for use: the one form in which scoring, evaluation, mining, the experiment and the server hold it.
 * It prepares patches by the normalisation of its checkpoint, so that it never meets pixels prepared in another way than
 * those it was trained on.
 */
import * as tf from '@tensorflow/tfjs-core';
import { sha256 } from './base/sha256.ts';
import { type DoppelError, isDoppelError, NonFiniteError, PatchError, UsageError } from './errors.ts';
import type { MatcherConfig, SideRule } from './matcher/architecture.ts';
import { ARCHITECTURES } from './matcher/architectures.ts';
import { type Calibration, probabilityOf, UNCALIBRATED } from './matcher/calibration.ts';
import { type Checkpoint, matcherOf, readCheckpoint } from './matcher/checkpoint.ts';
import { createScorer, type MatchScorer } from './matcher/scorer.ts';
import { sidesInWords, takesSide } from './matcher/sides.ts';
import { DEFAULT_MODEL, readModel, readNamedModel } from './named_models.ts';
import type { Modality, Normalisation } from './prepare/normalisation.ts';
import { toTensor } from './prepare/patch_source.ts';
import { PatchCache, type PatchFiles, preparePatch } from './prepare/prepared_patches.ts';
import type { Raster } from './raster/raster.ts';
import type { Store } from './store.ts';

export interface PairScore {
  /** logit₁ − logit₀, uncalibrated. */
  score: number;
  /** Calibrated probability of a match. */
  probability: number;
  /** True where the probability is at least the threshold. */
  match: boolean;
  /** Probability from which a pair is called a match, chosen on validation. */
  threshold: number;
}

export interface RasterPair {
  sar: Raster;
  optical: Raster;
  /** Names of the two in messages; default "the SAR patch" and "the optical patch". */
  names?: { sar: string; optical: string } | undefined;
}

export interface ModelInfo extends MatcherConfig {
  /** Other patch sides that it takes; absent: only `side`. */
  sides?: SideRule | undefined;
  /** SHA-256 of the checkpoint as hex. */
  fingerprint: string;
  calibration: Calibration;
  /** False if the checkpoint was saved between two validations: temperature 1 and threshold 0.5 stand in. */
  isCalibrated: boolean;
  /** Figures on validation when it was saved. */
  metrics: Record<string, number>;
  trainedOn: Checkpoint['trainedOn'];
  /** Version of doppel that trained it. */
  version: string;
}

export interface Model {
  readonly info: ModelInfo;
  readonly normalisation: Normalisation;
  /** Scores prepared patches, as tensors. */
  readonly scorer: MatchScorer;
  /** The same model for data sets of another patch side; disposing of one disposes of both. @throws UsageError */
  atSide(side: number): Model;
  /** The patches of a data set, prepared as the model takes them. */
  patchesOf(dataset: PatchFiles): PatchCache;
  /**
   * Scores in the order of the pairs. A pair has one side, which may be any that the model takes.
   *
   * @throws PatchError for the first pair that cannot be scored.
   */
  score(pairs: readonly RasterPair[]): Promise<PairScore[]>;
  /** Scores in the order of the pairs, with its error in place of the score of a pair that cannot be scored. */
  scoreEach(pairs: readonly RasterPair[]): Promise<(PairScore | DoppelError)[]>;
  dispose(): void;
}

/** Limits of what is scored together: pairs, and pixels of one sensor. */
const [MOST_PAIRS, MOST_PIXELS] = [32, 2 ** 19];

/**
 * Opens a checkpoint as `doppel train` writes it.
 *
 * @param source bytes of the file, or the store that holds it. @param file path in the store, or the name of a model in the
 * box; for bytes, a name for messages.
 * @throws FileError if there is no such file. @throws CheckpointError if it is damaged, or not the architecture that it names.
 */
export async function openModel(source: Uint8Array | Store, file: string): Promise<Model> {
  const bytes = source instanceof Uint8Array ? source : await readModel(source, file);
  const checkpoint = readCheckpoint(bytes, file);
  const matcher = matcherOf(checkpoint);
  const scorer = createScorer(matcher);
  matcher.dispose();
  return modelOf(scorer, infoOf(checkpoint, await sha256(bytes)), checkpoint.normalisation);
}

/** Opens a matcher that comes with doppel. @param name one of `MODELS`. @throws UsageError if it is unknown. @throws FileError */
export const openNamedModel = async (name = DEFAULT_MODEL): Promise<Model> =>
  openModel(await readNamedModel(name), name);

function modelOf(scorer: MatchScorer, info: ModelInfo, normalisation: Normalisation): Model {
  async function scoreEach(pairs: readonly RasterPair[]): Promise<(PairScore | DoppelError)[]> {
    const prepared = pairs.map((pair) => prepare(pair, info, normalisation));
    const good = prepared.filter((each): each is PreparedPair => !isDoppelError(each));
    const scores = await forwardAll(scorer, good, info);
    return prepared.map((each) => (isDoppelError(each) ? each : pairScore(scores.get(each)!, info.calibration)));
  }

  return {
    ...{ info, normalisation, scorer, scoreEach },
    atSide: (side) => modelOf(scorer, infoAtSide(info, side), { ...normalisation, side }),
    patchesOf: (dataset) => new PatchCache(dataset, normalisation),
    async score(pairs) {
      const results = await scoreEach(pairs);
      const failed = results.find(isDoppelError);
      if (failed) throw failed;
      return results as PairScore[];
    },
    dispose: () => scorer.dispose(),
  };
}

function infoOf(checkpoint: Checkpoint, fingerprint: string): ModelInfo {
  const { matcher, calibration, metrics, trainedOn, version } = checkpoint;
  const { sides } = ARCHITECTURES.get(matcher.preset);
  return {
    ...matcher,
    ...(sides && { sides }),
    ...{ fingerprint, metrics, trainedOn, version },
    calibration: calibration ?? UNCALIBRATED,
    isCalibrated: calibration !== undefined,
  };
}

function infoAtSide(info: ModelInfo, side: number): ModelInfo {
  if (takesSide(info, side)) return { ...info, side };
  throw new UsageError({
    action: 'use the model with the data set',
    expected: `patches of side ${sidesInWords(info)}`,
    found: `patches of side ${side}`,
    remedy: `Import the data again with --side ${info.side}, or name another model.`,
  });
}

type PreparedPair = Record<Modality, Float32Array> & { side: number };

function prepare(pair: RasterPair, info: ModelInfo, normalisation: Normalisation): PreparedPair | DoppelError {
  const { sar, optical, names } = pair;
  try {
    const side = sideOf(pair, info);
    const prepared = { ...normalisation, side };
    return {
      side,
      sar: prepareOne(sar, 'sar', prepared, names?.sar ?? 'the SAR patch'),
      optical: prepareOne(optical, 'optical', prepared, names?.optical ?? 'the optical patch'),
    };
  } catch (error) {
    if (isDoppelError(error)) return error;
    throw error;
  }
}

/** @throws PatchError that tells which of the two it is about: both may have one name. */
function prepareOne(raster: Raster, modality: Modality, normalisation: Normalisation, name: string): Float32Array {
  try {
    return preparePatch(raster, modality, normalisation, name);
  } catch (error) {
    if (error instanceof PatchError) error.modality = modality;
    throw error;
  }
}

/** Patch side of a pair, if the model takes several. @throws PatchError unless both patches have one that it takes. */
function sideOf({ sar, optical, names }: RasterPair, info: ModelInfo): number {
  const side = sar.width;
  const isOne = [sar.height, optical.width, optical.height].every((length) => length === side);
  if (isOne && takesSide(info, side)) return side;
  if (!info.sides) return info.side; // which `preparePatch` insists on
  throw new PatchError({
    action: `score ${names ? `${names.sar} with ${names.optical}` : 'the pair'}`,
    expected: `two squares of the same side, ${sidesInWords(info)}`,
    found: `${sar.width} × ${sar.height} and ${optical.width} × ${optical.height} pixels`,
    remedy: 'Cut both patches to the same ground, at the resolution of the training data.',
  });
}

/** logit₁ − logit₀ of each pair. */
async function forwardAll(scorer: MatchScorer, pairs: readonly PreparedPair[], info: ModelInfo) {
  const scores = new Map<PreparedPair, number>();
  for (const batch of batchesOf(pairs)) {
    const shape = { ...info, side: batch[0]!.side };
    const stack = (modality: Modality) =>
      toTensor(
        batch.map((pair) => pair[modality]),
        modality,
        shape,
      );
    const result = tf.tidy(() => scorer.score(stack('sar'), stack('optical')));
    const values = await result.data();
    result.dispose();
    batch.forEach((pair, i) => {
      scores.set(pair, values[i]!);
    });
  }
  return scores;
}

/** Batches of pairs of one side each. */
function* batchesOf(pairs: readonly PreparedPair[]): Generator<PreparedPair[]> {
  for (const side of new Set(pairs.map((pair) => pair.side))) {
    const same = pairs.filter((pair) => pair.side === side);
    const size = Math.min(MOST_PAIRS, Math.ceil(MOST_PIXELS / side ** 2));
    for (let start = 0; start < same.length; start += size) yield same.slice(start, start + size);
  }
}

function pairScore(score: number, calibration: Calibration): PairScore {
  if (!Number.isFinite(score)) {
    const found = String(score);
    throw new NonFiniteError({ action: 'score a pair', expected: 'a finite score', found });
  }
  const probability = probabilityOf(score, calibration);
  const { threshold } = calibration;
  return { score, probability, match: probability >= threshold, threshold };
}
