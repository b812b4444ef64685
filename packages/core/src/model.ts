/**
 * A trained matcher, ready for use: the one form in which scoring, evaluation, mining, the experiment and the server hold it.
 * It prepares patches by the normalisation of its checkpoint, so that it never meets pixels prepared in another way than
 * those it was trained on.
 */
import * as tf from '@tensorflow/tfjs-core';
import { sha256 } from './base/sha256.ts';
import { type DoppelError, isDoppelError, NonFiniteError } from './errors.ts';
import type { MatcherConfig } from './matcher/architecture.ts';
import { type Calibration, probabilityOf, UNCALIBRATED } from './matcher/calibration.ts';
import { type Checkpoint, matcherOf, readCheckpoint } from './matcher/checkpoint.ts';
import { createScorer, type MatchScorer } from './matcher/scorer.ts';
import type { Modality, Normalisation } from './prepare/normalisation.ts';
import { type PatchShape, toTensor } from './prepare/patch_source.ts';
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
  /** The patches of a data set, prepared as the model takes them. */
  patchesOf(dataset: PatchFiles): PatchCache;
  /** Scores in the order of the pairs. @throws PatchError for the first pair that cannot be scored. */
  score(pairs: readonly RasterPair[]): Promise<PairScore[]>;
  /** Scores in the order of the pairs, with its error in place of the score of a pair that cannot be scored. */
  scoreEach(pairs: readonly RasterPair[]): Promise<(PairScore | DoppelError)[]>;
  dispose(): void;
}

/** Pairs that are scored together. */
const BATCH = 32;

/**
 * Opens a checkpoint as `doppel train` writes it.
 *
 * @param source bytes of the file, or the store that holds it. @param file path in the store; for bytes, a name for messages.
 * @throws FileError if there is no such file. @throws CheckpointError if it is damaged, or not the architecture that it names.
 */
export async function openModel(source: Uint8Array | Store, file: string): Promise<Model> {
  const bytes = source instanceof Uint8Array ? source : await source.read(file);
  const checkpoint = readCheckpoint(bytes, file);
  const matcher = matcherOf(checkpoint);
  const scorer = createScorer(matcher);
  matcher.dispose();
  const info = infoOf(checkpoint, await sha256(bytes));
  const { normalisation } = checkpoint;

  async function scoreEach(pairs: readonly RasterPair[]): Promise<(PairScore | DoppelError)[]> {
    const prepared = pairs.map((pair) => prepare(pair, normalisation));
    const good = prepared.filter((each): each is PreparedPair => !isDoppelError(each));
    const scores = await forwardAll(scorer, good, info);
    let next = 0;
    return prepared.map((each) => (isDoppelError(each) ? each : pairScore(scores[next++]!, info.calibration)));
  }

  return {
    ...{ info, normalisation, scorer, scoreEach },
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
  return {
    ...matcher,
    ...{ fingerprint, metrics, trainedOn, version },
    calibration: calibration ?? UNCALIBRATED,
    isCalibrated: calibration !== undefined,
  };
}

type PreparedPair = Record<Modality, Float32Array>;

function prepare({ sar, optical, names }: RasterPair, normalisation: Normalisation): PreparedPair | DoppelError {
  try {
    return {
      sar: preparePatch(sar, 'sar', normalisation, names?.sar ?? 'the SAR patch'),
      optical: preparePatch(optical, 'optical', normalisation, names?.optical ?? 'the optical patch'),
    };
  } catch (error) {
    if (isDoppelError(error)) return error;
    throw error;
  }
}

/** logit₁ − logit₀ of each pair. */
async function forwardAll(scorer: MatchScorer, pairs: readonly PreparedPair[], shape: PatchShape) {
  const scores: number[] = [];
  for (let start = 0; start < pairs.length; start += BATCH) {
    const batch = pairs.slice(start, start + BATCH);
    const stack = (modality: Modality) =>
      toTensor(
        batch.map((pair) => pair[modality]),
        modality,
        shape,
      );
    const result = tf.tidy(() => scorer.score(stack('sar'), stack('optical')));
    scores.push(...(await result.data()));
    result.dispose();
  }
  return scores;
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
